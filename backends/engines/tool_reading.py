"""Tool calls in a local engine's answer: calls written as text are parsed, and surplus calls are left out.

Text is held back only while it may still become a call: at the beginning, or after a mark that opens one, and never
where no tool is offered.
"""

from typing import Any

from msgspec.structs import replace

from backends.engines import written_calls
from backends.engines.base import Call, EngineChunk, Finished, Text, ToolCalls
from backends.engines.endpoint import Endpoint
from backends.types import ToolCall


def offered(call: Call) -> dict[str, dict[str, Any]]:
    """The tools that the engine may call: each one's parameters by its name."""
    if call.tool_choice == "none":
        return {}
    named = call.tool_choice not in ("auto", "required")
    return {tool.name: tool.parameters for tool in call.tools if not named or tool.name == call.tool_choice}


class ToolReading:
    """Filters one answer: `feed` each chunk, then `finish` with its Finished."""

    def __init__(self, call: Call, endpoint: Endpoint, *, notes: tuple[str, ...] = ()) -> None:
        """`notes` say what was mended in the request; they are added to Finished."""
        self._call = call
        self._endpoint = endpoint
        self._tools = offered(call)
        self._of_json = call.response_format.kind != "text"
        self._notes = list(notes)
        self._held = ""
        self._begins = bool(self._tools)
        self._waits = False  # until what may be a call has ended
        self._watches = bool(self._tools)
        self._in_code = False
        self._ticks = ""  # the last characters passed on: a fence may continue after them
        self._answered = False
        self._called = 0
        self._left_out = 0

    def feed(self, chunk: EngineChunk) -> list[EngineChunk]:
        """What may be passed on by now."""
        if isinstance(chunk, Text):
            return self._texts(self._text(chunk.text))
        if isinstance(chunk, ToolCalls):
            before, self._held = self._held, ""
            self._begins = self._waits = False
            return [*self._texts(before if before.strip() else ""), *self._pass(chunk.calls)]
        return [chunk]

    def finish(self, finished: Finished) -> list[EngineChunk]:
        """The rest, and Finished. Raises EngineError "empty" where the whole answer was empty."""
        chunks = self._rest(finished)
        if self._left_out:
            self._notes.append(f"parallel_tool_calls: {self._left_out} further calls were left out")
        if finished.finish == "stop" and not self._answered and not self._called and not self._call.stop:
            raise self._endpoint.empty("ended its answer with nothing in it")
        return [*chunks, replace(finished, notes=(*finished.notes, *self._notes))]

    def _texts(self, text: str, *, unread: bool = False) -> list[EngineChunk]:
        self._answered = self._answered or bool(text)
        return [Text(text, unread_call=unread)] if text else []

    def _text(self, text: str) -> str:
        """The part of the text that is certainly not a call."""
        if not self._watches:
            return text
        self._held += text
        if self._begins:
            begins = written_calls.may_begin(self._held, self._tools)
            if begins is None and len(self._held) < written_calls.LONGEST:
                return ""
            self._begins, self._waits = False, bool(begins) or self._fenced_json()
        if not self._waits:
            return self._prose()
        if len(self._held) > written_calls.LONGEST:
            self._watches, passed, self._held = False, self._held, ""
            return passed
        return ""

    def _prose(self) -> str:
        """The text up to the next mark that opens a call. A mark inside code is only quoted."""
        passed = ""
        while (found := written_calls.opened(self._held)) is not None:
            at, sure = found
            passed += self._pass_text(at)
            if not (self._in_code or self._ticks.endswith("`")):
                self._waits = sure
                return passed
            passed += self._pass_text(1)
        return passed + self._pass_text(len(self._held) - written_calls.half_opened(self._held))

    def _pass_text(self, size: int) -> str:
        passed, self._held = self._held[:size], self._held[size:]
        seen = self._ticks + passed
        self._in_code ^= seen.count("```") % 2 == 1
        self._ticks = "" if seen.endswith("```") else seen[-2:]
        return passed

    def _fenced_json(self) -> bool:
        """A fence at the beginning of requested JSON is held back too: it is removed at the end."""
        return self._of_json and self._held.lstrip().startswith("```")

    def _rest(self, finished: Finished) -> list[EngineChunk]:
        held, self._held = self._held, ""
        if not held.strip():
            return self._texts(held if self._answered else "") if held else []
        written = written_calls.read(held, self._tools, of_json=self._of_json)
        if written.calls and finished.finish == "stop":
            made = tuple(
                ToolCall(id=f"call_{self._call.id}_text_{number}", name=name, arguments=arguments)
                for number, (name, arguments) in enumerate(written.calls, 1)
            )
            self._notes.append(f"{len(made)} tool call{'s' if len(made) > 1 else ''} read from the answer's text")
            return [*self._texts(written.before if written.before.strip() else ""), *self._pass(made)]
        if self._of_json and (inner := written_calls.fenced(held)) is not None:
            return self._texts(inner)
        return self._texts(held, unread=written.failed)

    def _pass(self, calls: tuple[ToolCall, ...]) -> list[EngineChunk]:
        room = 1 - self._called if self._call.parallel_tool_calls is False else len(calls)
        passed = calls[: max(room, 0)]
        self._called += len(passed)
        self._left_out += len(calls) - len(passed)
        return [ToolCalls(passed)] if passed else []
