"""`POST /v1/chat/completions`, streamed and whole."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from backends.errors import ClawError
from backends.gateway import openai_answer
from backends.gateway.cache_control import wishes as cache_wishes
from backends.gateway.choices import each_its_own, side_by_side
from backends.gateway.deadline import deadline_s
from backends.gateway.names import target
from backends.gateway.openai_answer import Answer
from backends.gateway.openai_body import Wish, read
from backends.gateway.refusal import Draining, Failed, safe_value
from backends.gateway.visit import Header, Visit
from backends.off_loop import off_loop
from backends.types import Called, Chunk, Delta, Done, Explanation, Outcome, Request, Routed

EVENT_STREAM = b"text/event-stream; charset=utf-8"

PAST_DEADLINE_S = 0.2
"""By then the core has said that the deadline passed, where it did."""

Heard = AsyncGenerator[tuple[int, Chunk]]


async def chat(visit: Visit) -> None:
    wish = await off_loop(len(visit.body), lambda: read(visit.body))
    request = await request_of(wish, visit)
    visit.body = b""  # a long stream need not keep it
    leash = visit.drain.leash()
    answer = _Streamed(visit, wish, request) if wish.stream else _Whole(visit, wish, request)
    async with leash:
        with visit.hold(leash):
            async with aclosing(side_by_side(visit.core, each_its_own(request, wish.choices))) as chunks:
                await answer.hear(chunks)
    if leash.cause == "drained":
        await answer.fail(Draining("the core shut down before the answer ended", retry_after_s=5))


async def request_of(wish: Wish, visit: Visit) -> Request:
    """The caller's wish in canonical form. Raises Turned (400, 404) for what cannot be meant here."""
    whom = await target(wish.model, visit)
    of_cache = cache_wishes(visit.text(b"cache-control") or "")
    sensitive = visit.text(b"x-claw-sensitive")
    return Request(
        id=visit.id,
        agent=whom.agent,
        rules=whom.rules,
        messages=wish.messages,
        engine=whom.engine,
        model=whom.model,
        # What is not plainly "false" keeps the request here: doubt is on the side of privacy.
        sensitive=sensitive is not None and sensitive.lower() not in ("false", "0", "no"),
        cache=of_cache.cache,
        refresh=of_cache.refresh,
        tools=wish.tools,
        tool_choice=wish.tool_choice,
        parallel_tool_calls=wish.parallel_tool_calls,
        response_format=wish.response_format,
        sampling=wish.sampling,
        timeout_s=deadline_s(visit, wish.deadline_ms),
        source="gateway",
        tag=visit.text(b"x-claw-tag") or None,
        ignored=wish.ignored,
        notes=whom.notes,
    )


class _Response:
    """What whole and streamed answers have in common: the choices, as far as they were heard."""

    def __init__(self, visit: Visit, wish: Wish, request: Request) -> None:
        self._visit = visit
        self._wish = wish
        self._request = request
        self._answers = [Answer() for _ in range(wish.choices)]

    def _take(self, place: int, outcome: Outcome) -> bool:
        """Keep the end of one answer; True for the last. Raises what it stands for where it is none."""
        if error := failure_of(outcome):
            raise error
        self._answers[place].outcome = outcome
        return all(answer.outcome is not None for answer in self._answers)

    def _outcomes(self) -> list[Outcome]:
        return [answer.outcome for answer in self._answers if answer.outcome is not None]

    def _facts(self) -> dict[str, object]:
        legacy = self._wish.legacy
        late = [note for answer in self._answers for note in openai_answer.left_out(answer.calls, legacy=legacy)]
        return openai_answer.claw(self._outcomes(), notes=late)


class _Whole(_Response):
    """An answer kept back until it is known how it ended."""

    async def hear(self, chunks: Heard) -> None:
        async for place, chunk in chunks:
            answer = self._answers[place]
            if isinstance(chunk, Delta):
                answer.texts.append(chunk.text)
                answer.signature = chunk.signature or answer.signature
            elif isinstance(chunk, Called):
                answer.calls.extend(chunk.calls)
            elif isinstance(chunk, Done) and self._take(place, chunk.outcome):
                await self._give()
                return
        raise ClawError("the core ended without an end: send this again")

    async def fail(self, error: ClawError) -> None:
        if not self._visit.started:
            await self._visit.fail(error)

    async def _give(self) -> None:
        outcomes = self._outcomes()
        first = outcomes[0]
        headers = [
            *_headers(first.agent, first.engine, first.model, first.cache),
            (b"x-claw-zone", zone_of([first.engine, *(each.engine for one in outcomes for each in one.attempts)])),
            (b"x-claw-cost-usd", f"{openai_answer.cost_usd(outcomes):f}".encode()),
            *_ignored(openai_answer.ignored(outcomes)),
        ]
        body = openai_answer.whole(self._answers, self._facts(), legacy=self._wish.legacy)
        await self._visit.answer(body, headers=headers)


class _Streamed(_Response):
    """An answer passed on as it comes. Its status is decided by what comes first: text, failure, or a long silence."""

    def __init__(self, visit: Visit, wish: Wish, request: Request) -> None:
        super().__init__(visit, wish, request)
        self._explanation: Explanation | None = None
        self._stream: openai_answer.Stream | None = None
        self._opening = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._told_at = self._loop.time()
        self._over = False

    async def hear(self, chunks: Heard) -> None:
        waiting = asyncio.create_task(self._keep_alive(), name=f"keep alive {self._request.id}")
        try:
            await self._pass_on(chunks, waiting)
        except ClawError as error:
            await _ended(waiting)
            await self.fail(error)
        finally:
            await _ended(waiting)

    async def fail(self, error: ClawError) -> None:
        """An error status before the first byte, else an error event and no terminator."""
        if self._stream is None:
            await self._visit.fail(error)
        elif not self._over:
            self._over = True
            await self._visit.end(self._stream.failure(error))

    async def _pass_on(self, chunks: Heard, waiting: asyncio.Task[None]) -> None:
        write = self._visit.write
        async for place, chunk in chunks:
            if isinstance(chunk, Routed):
                if place == 0 or self._explanation is None:
                    self._explanation = chunk.explanation
                continue
            self._told_at = self._loop.time()
            if isinstance(chunk, Done) and self._take(place, chunk.outcome):
                await _ended(waiting)
                await self._finish(place)
                return
            stream = self._stream or await self._open(chunk.outcome if isinstance(chunk, Done) else None)
            if isinstance(chunk, Delta):
                if chunk.signature is None:
                    await write(stream.text(chunk.text, place))
                else:
                    await write(stream.signed_text(chunk.text, chunk.signature, place))
            elif isinstance(chunk, Called):
                self._answers[place].calls.extend(chunk.calls)
                await write(stream.calls(chunk.calls, place))
            else:
                await write(stream.ending(chunk.outcome, place))
        raise ClawError("the core ended without an end: send this again")

    async def _keep_alive(self) -> None:
        """While nothing is said, a comment now and then; the first of them opens the stream.

        A caller that is still kept waiting just past its deadline waits for an answer that is held back for its check:
        it must not hear nothing for longer than that.
        """
        settings, request = self._visit.settings, self._request
        deadline_s = settings.rules(request.agent, request.rules).deadline_s or settings.router.deadline_s
        every_s = min(settings.gateway.keep_alive_s, deadline_s + PAST_DEADLINE_S)
        while True:
            silent_s = self._loop.time() - self._told_at
            if silent_s < every_s:
                await asyncio.sleep(every_s - silent_s)
                continue
            if self._stream is None:
                await self._open()
            await self._visit.write(openai_answer.COMMENT)
            self._told_at = self._loop.time()

    async def _open(self, outcome: Outcome | None = None) -> openai_answer.Stream:
        async with self._opening:
            return self._stream or await self._opened(outcome)

    async def _opened(self, outcome: Outcome | None) -> openai_answer.Stream:
        known = outcome or self._explanation
        model = known.model if known else self._request.model or "auto"
        engine = known.engine if known else "auto"
        cache = outcome.cache if outcome else self._cache()
        stream = openai_answer.Stream(
            self._request.id,
            model,
            include_usage=self._wish.include_usage,
            choices=self._wish.choices,
            legacy=self._wish.legacy,
        )
        headers = [
            *_headers(known.agent if known else self._request.agent, engine, model, cache),
            *([(b"x-claw-zone", zone_of([engine]))] if known else []),
            *_ignored(known.ignored if known else self._request.ignored),
            (b"cache-control", b"no-store"),
        ]
        await self._visit.start(200, EVENT_STREAM, headers)
        self._stream = stream
        await self._visit.write(stream.opening())
        return stream

    async def _finish(self, place: int) -> None:
        outcomes = self._outcomes()
        stream = self._stream or await self._open(outcomes[0])
        self._over = True
        await self._visit.end(stream.closing(outcomes, self._facts(), place))

    def _cache(self) -> str:
        """How the cache took part, as far as it is known before the end."""
        if not self._request.cache or self._wish.choices > 1 or (self._explanation and self._explanation.sensitive):
            return "bypass"
        if self._explanation is None or self._explanation.engine != "cache":
            return "miss"
        said = " ".join(reason.detail for reason in self._explanation.reasons if reason.rule == "cache")
        return "semantic" if said.startswith("semantic") else "exact"


async def _ended(task: asyncio.Task[None]) -> None:
    """End `task`, and wait until it has: what it was writing is written, or not begun. Raises a fault of its own."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (fault := task.exception()) is not None:
        raise fault


def failure_of(outcome: Outcome) -> ClawError | None:
    """The error that an outcome stands for, None where it is an answer."""
    if outcome.finish == "cancelled":
        return Failed(
            "this call was cancelled by the operator", kind="cancelled", retry_after_s=None, should_retry=False
        )
    if outcome.finish == "error":
        said = outcome.error or "the engine failed: look at `claw doctor`"
        return Failed(
            said,
            kind=outcome.error_kind or "unavailable",
            retry_after_s=outcome.retry_after_s,
            should_retry=outcome.should_retry,
        )
    return None


def zone_of(engines: Sequence[str]) -> bytes:
    """Where a prompt went: a stored answer is one that it did not leave the machine for."""
    return b"cloud" if "cloud" in engines else b"local"


def _headers(agent: str, engine: str, model: str, cache: str) -> list[Header]:
    return [
        (b"x-claw-agent", safe_value(agent)),
        (b"x-claw-engine", safe_value(engine)),
        (b"x-claw-model", safe_value(model)),
        (b"x-claw-cache", safe_value(cache)),
    ]


def _ignored(names: Sequence[str]) -> list[Header]:
    return [(b"x-claw-ignored", safe_value(", ".join(names)))] if names else []
