"""`POST /v1/chat/completions`, streamed and whole."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from backends.errors import ClawError
from backends.gateway import openai_answer
from backends.gateway.cache_control import wishes as cache_wishes
from backends.gateway.deadline import deadline_s
from backends.gateway.json_body import decode
from backends.gateway.names import Target, is_plain, resolve
from backends.gateway.openai_body import ChatBody
from backends.gateway.refusal import Draining, Failed, Turned, safe_value
from backends.gateway.visit import Header, Visit
from backends.types import Called, Chunk, Delta, Done, Explanation, Outcome, Request, Routed, ToolCall

EVENT_STREAM = b"text/event-stream; charset=utf-8"

_bodies = msgspec.json.Decoder(ChatBody)


async def chat(visit: Visit) -> None:
    body = decode(visit.body, _bodies)
    request = await request_of(body, visit)
    visit.body = b""  # a long stream need not keep it
    leash = visit.drain.leash()
    answer = _Streamed(visit, body, request) if body.stream else _Whole(visit)
    async with leash:
        with visit.hold(leash):
            async with aclosing(visit.core.ask(request)) as chunks:
                await answer.hear(chunks)
    if leash.cause == "drained":
        await answer.fail(Draining("the core shut down before the answer ended", retry_after_s=5))


async def request_of(body: ChatBody, visit: Visit) -> Request:
    """The caller's wish in canonical form. Raises Turned (400) for what cannot be meant here."""
    if body.n not in (None, 1):
        raise Turned(400, "invalid_request", "n must be 1: ask again for another answer", param="n")
    target = await _target(body.model, visit)
    tools, choice = body.canonical_tools()
    wishes = cache_wishes(visit.text(b"cache-control") or "")
    return Request(
        id=visit.id,
        agent=target.agent,
        messages=body.canonical_messages(),
        engine=target.engine,
        model=target.model,
        # What is not plainly "false" keeps the request here: doubt is on the side of privacy.
        sensitive=(visit.text(b"x-claw-sensitive") or "false").lower() not in ("false", "0", "no"),
        cache=wishes.cache,
        refresh=wishes.refresh,
        tools=tools,
        tool_choice=choice,
        response_format=body.canonical_format(),
        sampling=body.sampling(),
        timeout_s=deadline_s(visit, body.deadline_ms),
        source="gateway",
        tag=visit.text(b"x-claw-tag") or None,
    )


async def _target(model: str, visit: Visit) -> Target:
    engines = () if is_plain(model, visit.settings) else (await visit.core.snapshot()).engines
    return resolve(model, visit.text(b"x-claw-agent"), visit.settings, engines)


class _Whole:
    """An answer kept back until it is known how it ended."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    async def hear(self, chunks: AsyncGenerator[Chunk]) -> None:
        texts: list[str] = []
        calls: list[ToolCall] = []
        async for chunk in chunks:
            if isinstance(chunk, Delta):
                texts.append(chunk.text)
            elif isinstance(chunk, Called):
                calls.extend(chunk.calls)
            elif isinstance(chunk, Done):
                outcome = chunk.outcome
                if error := failure_of(outcome):
                    raise error
                headers = [
                    *_headers(outcome.agent, outcome.engine, outcome.model, outcome.cache),
                    (b"x-claw-cost-usd", f"{outcome.cost_usd:f}".encode()),
                ]
                body = openai_answer.whole(outcome, "".join(texts), tuple(calls))
                await self._visit.answer(body, headers=headers)
                return
        raise ClawError("the core ended without an end: send this again")

    async def fail(self, error: ClawError) -> None:
        if not self._visit.started:
            await self._visit.fail(error)


class _Streamed:
    """An answer passed on as it comes. Its status is decided by what comes first: text or failure."""

    def __init__(self, visit: Visit, body: ChatBody, request: Request) -> None:
        self._visit = visit
        self._request = request
        self._usage = body.stream_options is not None and bool(body.stream_options.include_usage)
        self._explanation: Explanation | None = None
        self._stream: openai_answer.Stream | None = None
        self._over = False

    async def hear(self, chunks: AsyncGenerator[Chunk]) -> None:
        try:
            await self._pass_on(chunks)
        except ClawError as error:
            await self.fail(error)

    async def fail(self, error: ClawError) -> None:
        """An error status before the first byte, else an error event and no terminator."""
        if self._stream is None:
            await self._visit.fail(error)
        elif not self._over:
            self._over = True
            await self._visit.end(self._stream.failure(error))

    async def _pass_on(self, chunks: AsyncGenerator[Chunk]) -> None:
        write = self._visit.write
        async for chunk in chunks:
            if isinstance(chunk, Delta):
                if self._stream is None:
                    self._stream = await self._open()
                await write(self._stream.text(chunk.text))
            elif isinstance(chunk, Routed):
                self._explanation = chunk.explanation
            elif isinstance(chunk, Called):
                if self._stream is None:
                    self._stream = await self._open()
                await write(self._stream.calls(chunk.calls))
            else:
                await self._finish(chunk.outcome)
                return
        raise ClawError("the core ended without an end: send this again")

    async def _open(self, outcome: Outcome | None = None) -> openai_answer.Stream:
        known = outcome or self._explanation
        model = known.model if known else self._request.model or "auto"
        engine = known.engine if known else "auto"
        cache = outcome.cache if outcome else self._cache()
        stream = openai_answer.Stream(self._request.id, model, include_usage=self._usage)
        headers = [*_headers(self._request.agent, engine, model, cache), (b"cache-control", b"no-store")]
        await self._visit.start(200, EVENT_STREAM, headers)
        await self._visit.write(stream.opening())
        return stream

    async def _finish(self, outcome: Outcome) -> None:
        if error := failure_of(outcome):
            raise error
        if self._stream is None:
            self._stream = await self._open(outcome)
        self._over = True
        await self._visit.end(self._stream.ending(outcome))

    def _cache(self) -> str:
        """How the cache took part, as far as it is known before the end."""
        if not self._request.cache or (self._explanation and self._explanation.sensitive):
            return "bypass"
        if self._explanation is None or self._explanation.engine != "cache":
            return "miss"
        said = " ".join(reason.detail for reason in self._explanation.reasons if reason.rule == "cache")
        return "semantic" if said.startswith("semantic") else "exact"


def failure_of(outcome: Outcome) -> ClawError | None:
    """The error that an outcome stands for, None where it is an answer."""
    if outcome.finish == "cancelled":
        return Failed("this call was cancelled by the operator", kind="cancelled", retry_after_s=None)
    if outcome.finish == "error":
        said = outcome.error or "the engine failed: look at `claw doctor`"
        return Failed(said, kind=outcome.error_kind or "unavailable", retry_after_s=outcome.retry_after_s)
    return None


def _headers(agent: str, engine: str, model: str, cache: str) -> list[Header]:
    return [
        (b"x-claw-agent", safe_value(agent)),
        (b"x-claw-engine", safe_value(engine)),
        (b"x-claw-model", safe_value(model)),
        (b"x-claw-cache", safe_value(cache)),
    ]
