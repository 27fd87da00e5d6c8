"""The base of all twins: a loopback server, an admission queue, faults, and the operator's endpoints."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec.structs import replace

from backends.rehearsal.admission_queue import AdmissionQueue, QueueIsFull
from backends.rehearsal.behaviour import Behaviour
from backends.rehearsal.delivery import AnswerCut, deliver, reset
from backends.rehearsal.faults import Fault, take
from backends.rehearsal.incidents import INCIDENTS
from backends.rehearsal.scripted_answers import AnswerEnd, RunnerDied, ToolInvocation
from backends.rehearsal.usage_counts import End, ServedCall, UsageCounts

BODY_MAX = 64 * 1024 * 1024
GRACE_S = 0.01  # 0 would be for ever


class Seen(msgspec.Struct, frozen=True):
    """A request as it came in, for tests of what leaves the machine."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Twin:
    """A server that speaks an engine's protocol. `behaviour` may be replaced at any time.

    `sleep` is the twin's clock. With `keep_bodies`, `seen` holds the newest 1,000 requests whole.
    """

    provider: str | None = None

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep_bodies: bool = False,
    ) -> None:
        self._behaviour = self._as_built = behaviour
        self._keep_bodies = keep_bodies
        self._runner: web.AppRunner | None = None
        self._served: WeakKeyDictionary[asyncio.Transport, int] = WeakKeyDictionary()
        self._handling: set[asyncio.Task[Any]] = set()
        self.sleep = sleep
        self.usage = UsageCounts(provider=self.provider)
        self.admission = AdmissionQueue(behaviour.parallel, behaviour.queue_limit)
        self.seen: deque[Seen] = deque(maxlen=1_000)
        self.url = ""

    def routes(self) -> list[web.AbstractRouteDef]:
        """The engine's own endpoints."""
        raise NotImplementedError

    def failure(self, status: int, body: dict[str, Any] | None = None) -> web.Response:
        """An error as this engine words it; `body` overrides its own words."""
        raise NotImplementedError

    def error_frame(self, body: dict[str, Any] | None) -> bytes:
        """An error in the middle of a stream."""
        raise NotImplementedError

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves now; `faults` are those that have not struck yet."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.admission.resize(behaviour.parallel, behaviour.queue_limit)

    def inject(self, *faults: Fault) -> None:
        """Add faults behind those that still wait."""
        self.behaviour = replace(self._behaviour, faults=self._behaviour.faults + faults)

    def incident(self, name: str) -> None:
        """Bring about a named incident (see `incidents`). Raises KeyError for an unknown one."""
        self.behaviour = INCIDENTS[name].befall(self._behaviour)

    def reset(self) -> None:
        """Behave as built again, and count from zero."""
        self.behaviour = self._as_built
        self.usage.reset()
        self.seen.clear()

    async def start(self, port: int = 0) -> str:
        """Listen on loopback and return the base URL."""
        app = web.Application(client_max_size=BODY_MAX, middlewares=[self._note])
        app.add_routes(self.routes())
        app.add_routes(
            [
                web.get("/rehearsal/counts", self._counts),
                web.get("/rehearsal/behaviour", self._get_behaviour),
                web.put("/rehearsal/behaviour", self._put_behaviour),
                web.get("/rehearsal/incidents", self._incidents),
                web.put("/rehearsal/incidents/{name}", self._put_incident),
                web.post("/rehearsal/reset", self._post_reset),
            ]
        )
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=GRACE_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.url

    async def close(self) -> None:
        """Stop listening and break every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._handling:
            await asyncio.wait(self._handling)

    async def restart(self) -> None:
        """Stop and start again on the same port, as a service manager would."""
        port = int(self.url.rpartition(":")[2])
        await self.close()
        await self.start(port)

    async def plain(self, request: web.Request, on: str, body: Any) -> web.StreamResponse:
        """Answer a request that no model works on, with its fault."""
        fault = self.fault_for(request, on)
        return await self._early(request, fault) or web.json_response(body)

    def fault_for(self, request: web.Request, on: str) -> Fault | None:
        """The fault that strikes this request, taken from those that wait."""
        reused = request.transport is not None and self._served[request.transport] > 1
        fault, rest = take(self._behaviour.faults, on, reused=reused)
        self._behaviour = replace(self._behaviour, faults=rest)
        return fault

    async def serve(
        self,
        request: web.Request,
        call: ServedCall,
        fault: Fault | None,
        frames: Callable[[], AsyncGenerator[bytes]],
        *,
        content_type: str,
    ) -> web.StreamResponse:
        """Answer one call of a model: wait for admission, send the frames with their fault, end the call's record."""
        how: End = "aborted"
        status = 200
        try:
            if early := await self._early(request, fault):
                how, status = "refused", early.status
                return early
            async with self.admission, aclosing(frames()) as body:
                return await deliver(
                    request,
                    body,
                    fault,
                    content_type=content_type,
                    error_frame=self.error_frame(fault.body if fault else None),
                    hush=self._hush,
                )
        except QueueIsFull:
            how, status = "refused", 503
            return self.failure(503)
        except RunnerDied as error:
            how, status = "refused", 500
            return self.failure(500, {"error": str(error)})
        except AnswerCut as cut:
            how = "cut"
            return cut.response
        except ConnectionResetError:
            return web.Response(status=499)  # the caller left between two writes: nobody reads this
        finally:
            self.usage.end(call, how, status=status)

    async def written(
        self, source: AsyncGenerator[str | ToolInvocation | AnswerEnd], call: ServedCall
    ) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        """An answer in chunks at the set speed; `call.output` grows with it, and is exact at AnswerEnd."""
        await self.sleep(self.behaviour.first_token_s)
        chunk: list[str] = []
        async with aclosing(source) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    chunk.append(piece)
                    call.output += 1
                    if self.behaviour.tokens_per_s is not None:
                        await self.sleep(1 / self.behaviour.tokens_per_s)
                    if len(chunk) < self.behaviour.chunk_tokens:
                        continue
                if chunk:
                    yield "".join(chunk)
                    chunk = []
                if isinstance(piece, AnswerEnd):
                    call.output = piece.output
                if not isinstance(piece, str):
                    yield piece

    def override(self, call: ServedCall) -> None:
        """Put the set token counts in place of the counted ones."""
        counted = self.behaviour.counted
        call.input = call.input if counted.input is None else counted.input
        call.output = call.output if counted.output is None else counted.output
        call.thinking = call.thinking if counted.thinking is None else counted.thinking
        call.cached = min(call.cached if counted.cached is None else counted.cached, call.input)

    async def _early(self, request: web.Request, fault: Fault | None) -> web.StreamResponse | None:
        """Strike what strikes before the first byte; None lets the request go on."""
        if fault is None:
            return None
        match fault.kind:
            case "status":
                failure = self.failure(fault.status, fault.body)
                failure.headers.update(fault.headers)
                return failure
            case "redirect":
                return web.Response(status=307, headers={"Location": fault.location + request.path_qs})
            case "reset-reused":
                reset(request)
                return web.Response(status=503)
            case "reset" if fault.after is None:
                reset(request)
                raise AnswerCut(web.Response(status=503))
            case "silence" if fault.after is None:
                await self._hush(fault.seconds)
        return None

    async def _hush(self, seconds: float | None) -> None:
        """Say nothing for `seconds`, or until the caller leaves."""
        if seconds is None:
            await asyncio.get_running_loop().create_future()
        else:
            await self.sleep(seconds)

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.transport is not None:
            self._served[request.transport] = self._served.get(request.transport, 0) + 1
        if not request.path.startswith("/rehearsal/"):
            known = request.match_info.route.resource is not None
            self.usage.requests[f"{request.method} {request.path}" if known else "unknown"] += 1
            if self._keep_bodies:
                body = await request.read()
                self.seen.append(Seen(request.method, request.path_qs, dict(request.headers), body))
        if (task := asyncio.current_task()) is not None:
            self._handling.add(task)
            task.add_done_callback(self._handling.discard)
        return await handler(request)

    async def _counts(self, request: web.Request) -> web.Response:
        try:
            calls = max(0, int(request.query.get("calls", "100")))
        except ValueError:
            return web.json_response({"error": "calls must be a number"}, status=400)
        now = {"running": self.admission.running, "waiting": self.admission.waiting}
        return web.json_response(self.usage.counts(calls=calls) | now)

    async def _get_behaviour(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.behaviour), content_type="application/json")

    async def _put_behaviour(self, request: web.Request) -> web.Response:
        """Change the fields that are given; the others stay."""
        try:
            given = msgspec.json.decode(await request.read(), type=dict[str, Any])
            merged = msgspec.to_builtins(self.behaviour) | given
            self.behaviour = msgspec.convert(merged, Behaviour)
        except msgspec.MsgspecError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._get_behaviour(request)

    async def _incidents(self, _: web.Request) -> web.Response:
        return web.json_response({name: incident.says for name, incident in INCIDENTS.items()})

    async def _put_incident(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in INCIDENTS:
            return web.json_response({"error": f"no incident {name}: GET /rehearsal/incidents lists them"}, status=404)
        self.incident(name)
        return await self._get_behaviour(request)

    async def _post_reset(self, _: web.Request) -> web.Response:
        self.reset()
        return web.json_response({"reset": True})
