"""The answer of one upstream call as it arrives: measured, bounded, its placeholders restored, and published."""

from collections.abc import Iterable
from typing import Literal

from backends.clock import Clock
from backends.engines.base import (
    TIMES_CAP,
    TOKEN_BYTES,
    AnsweredBy,
    Call,
    EngineChunk,
    Finished,
    Kept,
    Text,
    ToolCalls,
    Usage,
    answer_byte_limit,
)
from backends.errors import EngineError
from backends.pipeline.active_request import ActiveRequest
from backends.privacy.redact import Redaction
from backends.privacy.restore import Restorer
from backends.types import CLOUD, LOCAL, Called, Delta, ToolCall
from backends.upstream.usage_meter import UsageMeter
from backends.verification.call_repair import as_offered

SIGNATURES_BYTES = 1 << 20
"""The most that all signatures of one answer may have, which are no part of its text; the longest seen has 47 kB."""


class Answer:
    """`redaction` is the form in which the prompt was sent, None where it was sent as it is."""

    def __init__(self, active: ActiveRequest, meter: UsageMeter, redaction: Redaction | None, *, clock: Clock) -> None:
        self._active = active
        self._meter = meter
        self._clock = clock
        self._redaction = redaction
        self._restorer = Restorer(redaction.values if redaction is not None else None)
        self._limit = OutputLimit(meter.call)
        self._end: Finished | None = None
        self._called_another = False
        self.calls: tuple[ToolCall, ...] = ()

    @property
    def redaction_notes(self) -> tuple[str, ...]:
        """How many values were replaced, and how many placeholders in the answer were never given out."""
        if self._redaction is None:
            return ()
        unknown = self._restorer.unknown
        return (f"redacted {len(self._redaction.values)}", *((f"unknown placeholders {unknown}",) if unknown else ()))

    @property
    def started(self) -> bool:
        """Has any part of it arrived?"""
        return self._meter.first_at is not None

    @property
    def full(self) -> bool:
        """Is it longer than it may be? Then the rest is not read."""
        return self._limit.reached

    def add(self, chunk: EngineChunk) -> None:
        active, meter = self._active, self._meter
        active.progressed(self._clock.monotonic())
        match chunk:
            case Text(text, signature):
                text, signature = self._limit.text(text), self._limit.signature(signature)
                meter.add_text(text)
                releases = active.checks.until_text and meter.zone == LOCAL and not chunk.unread_call
                if releases and active.withholding:
                    active.release()
                self._publish(self._restorer.feed(text), signature)
            case ToolCalls(wanted):
                meter.add_calls(wanted)
                wanted = self._offered(self._restorer.calls(self._limit.calls(wanted)))
                self.calls += wanted
                self._publish(self._restorer.rest())
                if wanted:
                    active.publish(Called(wanted))
            case Usage(tokens, cached_known):
                meter.add_usage(tokens, cached_known=cached_known)
            case Kept():
                meter.add_kept(chunk)
            case AnsweredBy(model):
                meter.answered_by(model)
            case Finished():
                self._end = chunk
        active.first_at = None if active.withholding else meter.first_at

    def finish(self) -> Finished:
        """How it ended, once the engine has sent everything. Raises EngineError where it calls what was not offered."""
        if self._called_another:
            raise self._not_offered()
        if self.full:
            self._end = Finished(finish="length", notes=(self._limit.note,))
        assert self._end is not None, "an engine ends with Finished or raises"  # noqa: S101 — the seam's own promise
        self._publish(self._restorer.rest())
        return self._end

    def _offered(self, wanted: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        """The calls under the names that were offered; none of them, and nothing behind them, where one is of another
        tool. What the cascade withholds it checks itself, and may have repaired.
        """
        if self._active.withholding and self._meter.zone == LOCAL:
            return wanted
        offered = [as_offered(call, self._active.request.offered_tools) for call in wanted]
        called = tuple(call for call in offered if call is not None)
        self._called_another = self._called_another or len(called) < len(offered)
        return () if self._called_another else called

    def _not_offered(self) -> EngineError:
        """What an answer is that calls another tool: of no use while nothing of it was heard, else incomplete."""
        kind: Literal["cut", "empty"] = "cut" if self._active.spoke else "empty"
        line = f"{self._meter.model} called a tool that was not offered: ask again, or ask another model"
        return EngineError(line, kind=kind, billed=self._meter.zone == CLOUD)

    def _publish(self, text: str, signature: str | None = None) -> None:
        if (text or signature) and not self._called_another:
            self._active.publish(Delta(text, signature))


class OutputLimit:
    """How much one upstream answer may have: an engine that ignores its own cap is not read for ever.

    An answer is kept until its row is written, for late subscribers and for the ledger, so this also bounds the memory
    that it takes: 131 kB of text at the usual cap of 8,192 tokens.
    """

    def __init__(self, call: Call) -> None:
        self._tokens = call.most_output
        self._remaining = answer_byte_limit(call)
        self._signatures_remaining = SIGNATURES_BYTES
        self.reached = False

    @property
    def note(self) -> str:
        return f"cut: the answer went on past {TIMES_CAP} times its cap of {self._tokens} tokens"

    def text(self, text: str) -> str:
        """As much of it as fits. A piece counts at least a token, however short it is."""
        data = text.encode("utf-8", "surrogatepass")
        fits = len(data) <= self._remaining
        kept = text if fits else data[: self._remaining].decode("utf-8", "ignore")
        self._use(max(len(data), TOKEN_BYTES) if data else 0)
        return kept

    def signature(self, signature: str | None) -> str | None:
        """A signature, as long as it fits."""
        self._signatures_remaining -= len(signature or "")
        return signature if self._signatures_remaining >= 0 else None

    def calls(self, wanted: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
        """The calls that fit whole: half a call is none."""
        kept = []
        for call in wanted:
            size = len(call.name) + len(call.arguments.encode("utf-8", "surrogatepass"))
            if size <= self._remaining and not self.reached:
                kept.append(call)
            self._use(max(size, TOKEN_BYTES))
        return tuple(kept)

    def _use(self, size: int) -> None:
        self.reached = self.reached or size > self._remaining
        self._remaining = max(0, self._remaining - size)
