"""`POST /v1/chat/completions`, streamed and whole."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from backends.errors import ClawError
from backends.gateway.canonical_request import canonical
from backends.gateway.dialects.openai_chat import chat_answer
from backends.gateway.dialects.openai_chat.chat_answer import ChatChoice, ChatStream
from backends.gateway.dialects.openai_chat.chat_request import ChatRequest, read
from backends.gateway.http_errors import RequestFailed, ShuttingDown, safe_value
from backends.gateway.http_exchange import Header, HttpExchange
from backends.gateway.model_names import AUTO, target_of
from backends.gateway.parallel_requests import BROKEN_OFF, ask_all, one_request_per_choice
from backends.off_loop import off_loop
from backends.types import Called, Chunk, Delta, Done, Explanation, Outcome, Request, Routed

EVENT_STREAM = b"text/event-stream; charset=utf-8"

PAST_DEADLINE_S = 0.2
"""By then the core has reported a deadline that passed."""

PlacedChunks = AsyncGenerator[tuple[int, Chunk]]


async def chat(exchange: HttpExchange) -> None:
    """Answer one request, in one object or as a stream."""
    asked = await off_loop(len(exchange.body), lambda: read(exchange.body))
    request = canonical(asked, await target_of(asked.model, exchange), exchange.text, id=exchange.id)
    exchange.body = b""  # a long stream need not keep it
    scope = exchange.shutdown.scope()
    response = (_Streamed if asked.stream else _Whole)(exchange, asked, request)
    async with scope:
        with exchange.hold(scope):
            requests = one_request_per_choice(request, asked.choices)
            async with aclosing(ask_all(exchange.core, requests, routed=exchange.routed)) as chunks:
                await response.relay(chunks)
    if scope.cause == "shutdown":
        await response.fail(ShuttingDown("the core shut down before the answer ended", retry_after_s=5))


class _Response:
    """What whole and streamed answers share: the choices, as far as they have been received."""

    def __init__(self, exchange: HttpExchange, asked: ChatRequest, request: Request) -> None:
        self._exchange = exchange
        self._asked = asked
        self._request = request
        self._choices = [ChatChoice() for _ in range(asked.choices)]

    def _complete(self, place: int, outcome: Outcome) -> bool:
        """Record the end of one choice; True for the last. Raises the error that a failed outcome stands for."""
        if error := failure_of(outcome):
            raise error
        self._choices[place].outcome = outcome
        return all(choice.outcome is not None for choice in self._choices)

    def _outcomes(self) -> list[Outcome]:
        return [choice.outcome for choice in self._choices if choice.outcome is not None]

    def _facts(self) -> dict[str, object]:
        legacy = self._asked.legacy
        notes = [note for choice in self._choices for note in chat_answer.left_out(choice.calls, legacy=legacy)]
        return chat_answer.claw(self._outcomes(), notes=notes)


class _Whole(_Response):
    """An answer that is sent once all of it has been received."""

    async def relay(self, chunks: PlacedChunks) -> None:
        async for place, chunk in chunks:
            choice = self._choices[place]
            if isinstance(chunk, Delta):
                choice.texts.append(chunk.text)
                choice.signature = chunk.signature or choice.signature
            elif isinstance(chunk, Called):
                choice.calls.extend(chunk.calls)
            elif isinstance(chunk, Done) and self._complete(place, chunk.outcome):
                await self._respond()
                return
        raise ClawError(BROKEN_OFF)

    async def fail(self, error: ClawError) -> None:
        if not self._exchange.started:
            await self._exchange.fail(error)

    async def _respond(self) -> None:
        outcomes = self._outcomes()
        first = outcomes[0]
        headers = [
            *_headers(first.agent, first.engine, first.model, first.cache),
            (b"x-claw-zone", chat_answer.zone_of(*outcomes).encode()),
            (b"x-claw-cost-usd", f"{chat_answer.cost_usd(outcomes):f}".encode()),
            *_ignored(chat_answer.ignored(outcomes)),
        ]
        body = chat_answer.whole(self._choices, self._facts(), legacy=self._asked.legacy)
        await self._exchange.answer(body, headers=headers)


class _Streamed(_Response):
    """An answer that is sent as it comes. What comes first decides its status: text, a failure, or a long silence."""

    def __init__(self, exchange: HttpExchange, asked: ChatRequest, request: Request) -> None:
        super().__init__(exchange, asked, request)
        self._explanation: Explanation | None = None
        self._stream: ChatStream | None = None
        self._opening = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._sent_at = self._loop.time()
        self._over = False

    async def relay(self, chunks: PlacedChunks) -> None:
        keep_alive = asyncio.create_task(self._keep_alive(), name=f"keep alive {self._request.id}")
        try:
            await self._pass_on(chunks, keep_alive)
        except ClawError as error:
            await _ended(keep_alive)
            await self.fail(error)
        finally:
            await _ended(keep_alive)

    async def fail(self, error: ClawError) -> None:
        """An error status before the first byte, else an error event and no terminator."""
        if self._stream is None:
            await self._exchange.fail(error)
        elif not self._over:
            self._over = True
            await self._exchange.end(self._stream.failure(error))

    async def _pass_on(self, chunks: PlacedChunks, keep_alive: asyncio.Task[None]) -> None:
        write = self._exchange.write
        async for place, chunk in chunks:
            if isinstance(chunk, Routed):
                if place == 0 or self._explanation is None:
                    self._explanation = chunk.explanation
                continue
            self._sent_at = self._loop.time()
            if isinstance(chunk, Done) and self._complete(place, chunk.outcome):
                await _ended(keep_alive)
                await self._finish(place)
                return
            stream = self._stream or await self._open(chunk.outcome if isinstance(chunk, Done) else None)
            if isinstance(chunk, Delta):
                if chunk.signature is None:
                    await write(stream.text(chunk.text, place))
                else:
                    await write(stream.signed_text(chunk.text, chunk.signature, place))
            elif isinstance(chunk, Called):
                self._choices[place].calls.extend(chunk.calls)
                await write(stream.calls(chunk.calls, place))
            else:
                await write(stream.ending(chunk.outcome, place))
        raise ClawError(BROKEN_OFF)

    async def _keep_alive(self) -> None:
        """Send a comment after each silence; the first one opens the stream.

        A caller that still waits just past its deadline waits for an answer that is held back for its check, and must
        not read nothing for longer than that.
        """
        settings, request = self._exchange.settings, self._request
        deadline_s = settings.rules(request.agent, request.rules).deadline_s or settings.router.deadline_s
        every_s = min(settings.gateway.keep_alive_s, deadline_s + PAST_DEADLINE_S)
        while True:
            silent_s = self._loop.time() - self._sent_at
            if silent_s < every_s:
                await asyncio.sleep(every_s - silent_s)
                continue
            if self._stream is None:
                await self._open()
            await self._exchange.write(chat_answer.COMMENT)
            self._sent_at = self._loop.time()

    async def _open(self, outcome: Outcome | None = None) -> ChatStream:
        async with self._opening:
            return self._stream or await self._opened(outcome)

    async def _opened(self, outcome: Outcome | None) -> ChatStream:
        known = outcome or self._explanation
        model = known.model if known else self._request.model or AUTO
        engine = known.engine if known else AUTO
        cache = outcome.cache if outcome else self._cache()
        stream = ChatStream(
            self._request.id,
            model,
            include_usage=self._asked.include_usage,
            choices=self._asked.choices,
            legacy=self._asked.legacy,
        )
        headers = [
            *_headers(known.agent if known else self._request.agent, engine, model, cache),
            *([(b"x-claw-zone", known.zone.encode())] if known else []),
            *_ignored(known.ignored if known else self._request.ignored),
            (b"cache-control", b"no-store"),
        ]
        await self._exchange.start(200, EVENT_STREAM, headers)
        self._stream = stream
        await self._exchange.write(stream.opening())
        return stream

    async def _finish(self, place: int) -> None:
        outcomes = self._outcomes()
        stream = self._stream or await self._open(outcomes[0])
        self._over = True
        await self._exchange.end(stream.closing(outcomes, self._facts(), place))

    def _cache(self) -> str:
        """The part of the cache, as far as it is known before the end."""
        if not self._request.cache or self._asked.choices > 1 or (self._explanation and self._explanation.sensitive):
            return "bypass"
        if self._explanation is None or self._explanation.engine != "cache":
            return "miss"
        detail = " ".join(reason.detail for reason in self._explanation.reasons if reason.rule == "cache")
        return "semantic" if detail.startswith("semantic") else "exact"


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel `task` and wait for its end, so that its last write is whole or not begun. Raises what it raised."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (fault := task.exception()) is not None:
        raise fault


def failure_of(outcome: Outcome) -> ClawError | None:
    """The error that an outcome stands for, None where it is an answer."""
    if outcome.finish == "cancelled":
        return RequestFailed(
            "this call was cancelled by the operator", kind="cancelled", retry_after_s=None, should_retry=False
        )
    if outcome.finish == "error":
        return RequestFailed(
            outcome.error or "the engine failed: see `claw doctor`",
            kind=outcome.error_kind or "unavailable",
            retry_after_s=outcome.retry_after_s,
            should_retry=outcome.should_retry,
        )
    return None


def _headers(agent: str, engine: str, model: str, cache: str) -> list[Header]:
    return [
        (b"x-claw-agent", safe_value(agent)),
        (b"x-claw-engine", safe_value(engine)),
        (b"x-claw-model", safe_value(model)),
        (b"x-claw-cache", safe_value(cache)),
    ]


def _ignored(names: Sequence[str]) -> list[Header]:
    return [(b"x-claw-ignored", safe_value(", ".join(names)))] if names else []
