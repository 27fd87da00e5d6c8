"""What one upstream call says, taken in as it comes: counted, its placeholders undone, and told to who listens."""

from backends.clock import Clock
from backends.engines.base import AnsweredBy, EngineChunk, Finished, Text, ToolCalls, Usage
from backends.pipeline.answer_room import AnswerRoom
from backends.pipeline.flight import Flight
from backends.privacy.redact import Redaction
from backends.privacy.restore import Restorer
from backends.types import LOCAL, Called, Delta, ToolCall
from backends.upstream.usage_meter import UsageMeter


class Answer:
    """`redaction` is the form in which the prompt went out, None where it went as it is."""

    def __init__(self, flight: Flight, meter: UsageMeter, redaction: Redaction | None, *, clock: Clock) -> None:
        self._flight = flight
        self._meter = meter
        self._clock = clock
        self._restorer = Restorer(redaction.values if redaction is not None else None)
        self._room = AnswerRoom(meter.call)
        self._end: Finished | None = None
        self.calls: tuple[ToolCall, ...] = ()

    @property
    def silent(self) -> bool:
        """Has nothing of it been heard yet?"""
        return self._meter.first_at is None

    @property
    def full(self) -> bool:
        """Has it said more than it may? Then nothing more of it is wanted."""
        return self._room.full

    def take(self, chunk: EngineChunk) -> None:
        flight, meter = self._flight, self._meter
        flight.progressed(self._clock.monotonic())
        match chunk:
            case Text(text, signature):
                text, signature = self._room.text(text), self._room.signature(signature)
                meter.add_text(text)
                if flight.lightly and flight.holds and meter.zone == LOCAL and not chunk.unread_call:
                    flight.release()
                self._say(self._restorer.feed(text), signature)
            case ToolCalls(wanted):
                meter.add_calls(wanted)
                wanted = self._room.calls(wanted)
                wanted = self._restorer.calls(wanted)
                self.calls += wanted
                self._say(self._restorer.rest())
                if wanted:
                    flight.tell(Called(wanted))
            case Usage(tokens):
                meter.add_usage(tokens)
            case AnsweredBy(model):
                meter.answered_by(model)
            case Finished():
                self._end = chunk
        flight.first_at = None if flight.holds else meter.first_at

    def whole(self) -> Finished:
        """How it ended, once the engine has nothing more to say."""
        if self.full:
            self._end = Finished(finish="length", notes=(self._room.note,))
        assert self._end is not None, "an engine ends with Finished or raises"  # noqa: S101 — the seam's own promise
        self._say(self._restorer.rest())
        return self._end

    def _say(self, text: str, signature: str | None = None) -> None:
        if text or signature:
            self._flight.tell(Delta(text, signature))
