"""From Gemini's parts to chunks; knows at the end whether it was one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backends.engines.base import Answering, Call, EngineChunk, Finished, Text, ToolCalls, Usage
from backends.engines.foreign import one_line
from backends.engines.peer import Peer
from backends.types import Tokens, ToolCall

if TYPE_CHECKING:
    from google.genai.types import (
        Candidate,
        FunctionCall,
        GenerateContentResponse,
        GenerateContentResponseUsageMetadata,
    )

UNFINISHED = ("MAX_TOKENS", "CONTINUATION")
NO_REASON = "FINISH_REASON_UNSPECIFIED"


class Reading:
    """A finish reason holds only when the stream is over: it may stand in every chunk, or before the text."""

    def __init__(self, call: Call, peer: Peer) -> None:
        self._call = call
        self._peer = peer
        self._reason = ""
        self._blocked = ""
        self._tokens = Tokens()
        self._tools = 0
        self._answering = ""

    def take(self, part: GenerateContentResponse) -> list[EngineChunk]:
        if part.prompt_feedback and part.prompt_feedback.block_reason:
            self._blocked = one_line(part.prompt_feedback.block_reason.value)
        chunks: list[EngineChunk] = []
        if part.model_version and part.model_version != self._answering:
            self._answering = part.model_version
            chunks.append(Answering(one_line(part.model_version)))
        for candidate in (part.candidates or [])[:1]:
            chunks += self._answer(candidate)
        if part.usage_metadata and (usage := self._usage(part.usage_metadata)):
            chunks.append(usage)
        return chunks

    def end(self) -> Finished:
        """The stream is over. Raises EngineError "cut" where it gave no reason."""
        if self._blocked:
            return Finished(finish="blocked", reason=self._blocked)
        if not self._reason:
            raise self._peer.broken("ended its answer without a reason")
        if self._reason == "STOP":
            return Finished(finish="stop")
        if self._reason in UNFINISHED:
            return Finished(finish="length", reason=self._reason)
        return Finished(finish="blocked", reason=self._reason)

    def _answer(self, candidate: Candidate) -> list[EngineChunk]:
        if candidate.finish_reason and candidate.finish_reason.value != NO_REASON:
            self._reason = one_line(candidate.finish_reason.value)
        parts = (candidate.content.parts if candidate.content else None) or []
        chunks: list[EngineChunk] = [Text(part.text) for part in parts if part.text and not part.thought]
        calls = tuple(self._tool_call(part.function_call) for part in parts if part.function_call)
        return [*chunks, ToolCalls(calls)] if calls else chunks

    def _usage(self, said: GenerateContentResponseUsageMetadata) -> Usage | None:
        """Running totals: of each count, the last that was not zero. None where all that was said is zeros."""
        before = self._tokens
        self._tokens = Tokens(
            input=(said.prompt_token_count or 0) + (said.tool_use_prompt_token_count or 0) or before.input,
            output=said.candidates_token_count or before.output,
            thinking=said.thoughts_token_count or before.thinking,
            cached_input=said.cached_content_token_count or before.cached_input,
        )
        return Usage(self._tokens) if self._tokens != before or said.total_token_count else None

    def _tool_call(self, call: FunctionCall) -> ToolCall:
        self._tools += 1
        return ToolCall(
            id=call.id or f"call_{self._call.id}_{self._tools}",
            name=call.name or "",
            arguments=msgspec.json.encode(call.args or {}).decode(),
        )
