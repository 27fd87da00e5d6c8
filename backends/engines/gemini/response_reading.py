"""Turns Gemini's parts into chunks, and knows at the end whether they were a whole answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.engines.base import AnsweredBy, Call, EngineChunk, Finished, Text, ToolCalls, Usage
from backends.engines.endpoint import Endpoint
from backends.engines.gemini.function_names import FunctionNames
from backends.engines.gemini.generate_body import MOST_STOPS
from backends.engines.gemini.raw_events import WrittenSignatures
from backends.engines.gemini.text_filters import StopWords, Unfenced
from backends.engines.plain_text import as_json
from backends.engines.untrusted_text import one_line
from backends.types import Message, Tokens, ToolCall

if TYPE_CHECKING:
    from google.genai.types import (
        Candidate,
        GenerateContentResponse,
        GenerateContentResponseUsageMetadata,
        Part,
    )

UNFINISHED = ("MAX_TOKENS", "CONTINUATION")
NO_REASON = "FINISH_REASON_UNSPECIFIED"
NO_ANSWER = (
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
)
"""What the model wrote cannot be read as an answer; asked again, it mostly can."""


class ResponseReading:
    """A finish reason holds only when the stream is over: it may stand in every chunk, or before the text.

    A last event that comes twice is read once. New text is counted, so one with the same counts brings none.

    `instructed`: the JSON format went as an instruction. `over` is True once a stop word ended the answer.
    """

    def __init__(
        self,
        call: Call,
        endpoint: Endpoint,
        names: FunctionNames,
        signatures: WrittenSignatures | None = None,
        *,
        instructed: bool = False,
    ) -> None:
        self._call = call
        self._endpoint = endpoint
        self._names = names
        self._signatures = signatures or WrittenSignatures()
        self._stops = StopWords(call.stop[MOST_STOPS:])
        self._unfenced = Unfenced(instructed)
        self._instructed = instructed
        self._reason = ""
        self._blocked = ""
        self._model = ""
        self._tokens = Tokens()
        self._calls: list[ToolCall] = []
        self._dropped = 0
        self._nameless = False
        self._ended: GenerateContentResponse | None = None
        self._text: list[str] = []
        self._text_signature: str | None = None

    @property
    def over(self) -> bool:
        return self._stops.cut

    @property
    def message(self) -> Message:
        """The answer so far, as the caller will send it back."""
        text = "".join(self._text)
        return Message(role="assistant", text=text, tool_calls=tuple(self._calls), signature=self._text_signature)

    def feed(self, part: GenerateContentResponse) -> list[EngineChunk]:
        if self._came_before(part):
            return []
        if part.prompt_feedback and part.prompt_feedback.block_reason:
            self._blocked = one_line(part.prompt_feedback.block_reason.value)
        chunks: list[EngineChunk] = []
        if part.model_version and not self._model:
            self._model = one_line(part.model_version)
            chunks.append(AnsweredBy(self._model))
        for candidate in (part.candidates or [])[:1]:
            chunks += self._answer(candidate)
        if part.usage_metadata and (usage := self._usage(part.usage_metadata)):
            chunks.append(usage)
        return chunks

    def flush(self) -> list[EngineChunk]:
        """The text that was held back, once the stream is over."""
        return self._text_chunk(self._unfenced.feed(self._stops.rest()) + self._unfenced.rest(), None)

    def finish(self) -> Finished:
        """The stream is over. Raises EngineError "cut" where it gave no reason, "empty" where the answer is empty."""
        if self._blocked:
            return Finished(finish="blocked", reason=self._blocked)
        if self.over:
            return Finished(finish="stop", notes=self._notes())
        if not self._reason:
            raise self._endpoint.cut_off("ended its answer without a reason")
        if self._nameless and self._reason == "STOP":
            self._reason = NO_ANSWER[0]
        if self._reason in UNFINISHED:
            return Finished(finish="length", reason=self._reason, notes=self._notes())
        if self._reason == "STOP" or (self._reason in NO_ANSWER and self._calls):
            if not (self._text or self._calls):
                raise self._endpoint.empty("ended its answer without a word")
            return Finished(finish="stop", notes=self._notes())
        if self._reason in NO_ANSWER:
            if self._text:
                raise self._endpoint.cut_off(f"made no readable tool call ({self._reason})")
            raise self._endpoint.empty(f"made no readable answer ({self._reason})")
        return Finished(finish="blocked", reason=self._reason, notes=self._notes())

    def _came_before(self, part: GenerateContentResponse) -> bool:
        """Is it the event before it once more, with a reason for the end and the same counts?"""
        before, self._ended = self._ended, None
        counts = part.usage_metadata
        if counts is None or not counts.candidates_token_count or not part.candidates:
            return False
        if part.candidates[0].finish_reason:
            self._ended = part
        return before is not None and (before.candidates, before.usage_metadata) == (part.candidates, counts)

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self._instructed:
            notes.append("the JSON format went to the model as an instruction: it takes none beside tools")
        if self._dropped:
            notes.append(f"{self._dropped} further tool calls were left out: one at a time was asked for")
        if self._reason in NO_ANSWER:
            notes.append(f"the model's tool calls may be incomplete ({self._reason})")
        return tuple(notes)

    def _answer(self, candidate: Candidate) -> list[EngineChunk]:
        if candidate.finish_reason and candidate.finish_reason.value != NO_REASON:
            self._reason = one_line(candidate.finish_reason.value)
        chunks: list[EngineChunk] = []
        for part in (candidate.content.parts if candidate.content else None) or []:
            for chunk in self._part(part):
                before = chunks[-1] if chunks else None
                if isinstance(chunk, ToolCalls) and isinstance(before, ToolCalls):
                    chunks[-1] = ToolCalls(before.calls + chunk.calls)
                else:
                    chunks.append(chunk)
        return chunks

    def _part(self, part: Part) -> list[EngineChunk]:
        """Thoughts, and what Google's own tools did, are no text of the answer."""
        signature = self._signatures.written(part.thought_signature)
        if part.thought or self.over:
            return []
        if part.function_call:
            if not part.function_call.name:
                self._nameless = True
                return []
            if self._calls and self._call.parallel_tool_calls is False:
                self._dropped += 1
                return []
            called = ToolCall(
                id=self._own(part.function_call.id),
                name=self._names.from_gemini(part.function_call.name),
                arguments=as_json(part.function_call.args or {}).decode(),
                signature=signature,
            )
            before = self.flush()
            self._calls.append(called)
            return [*before, ToolCalls((called,))]
        if part.text is None:
            return []
        return self._text_chunk(self._unfenced.feed(self._stops.feed(part.text)), signature)

    def _own(self, id: str | None) -> str:
        """A call's id as Google gave it, else one of ours: no two calls of an answer have the same."""
        if id and all(call.id != id for call in self._calls):
            return id
        return f"call_{self._call.id}_{len(self._calls) + 1}"

    def _text_chunk(self, text: str, signature: str | None) -> list[EngineChunk]:
        if text:
            self._text.append(text)
        self._text_signature = signature or self._text_signature
        return [Text(text, signature)] if text or signature else []

    def _usage(self, report: GenerateContentResponseUsageMetadata) -> Usage | None:
        """Running totals: of each count, the last that was not zero. None where all of them are zero."""
        before = self._tokens
        self._tokens = Tokens(
            input=(report.prompt_token_count or 0) + (report.tool_use_prompt_token_count or 0) or before.input,
            output=report.candidates_token_count or before.output,
            thinking=report.thoughts_token_count or before.thinking,
            cached_input=report.cached_content_token_count or before.cached_input,
        )
        return Usage(self._tokens) if self._tokens != before or report.total_token_count else None
