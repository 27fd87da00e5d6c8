"""From the events of `/v1/chat/completions` to chunks; knows at the end whether they were an answer."""

from typing import Any

import msgspec
from msgspec import Struct, field

from backends.engines.base import Call, EngineChunk, Finished, Text, ToolCalls, Usage
from backends.engines.confidence import Confidence
from backends.engines.foreign import one_line
from backends.engines.peer import Peer
from backends.engines.window import was_cut
from backends.types import Tokens, ToolCall

DONE = b"[DONE]"


class Reading:
    def __init__(self, call: Call, peer: Peer) -> None:
        self._call = call
        self._peer = peer
        self._reason: str | None = None
        self._tools: dict[int, _Fragments] = {}
        self._seen: int | None = None
        self._confidence = Confidence()

    def take(self, event: bytes) -> list[EngineChunk]:
        """Raises EngineError for an event that is an error, or none of the protocol's."""
        if event == DONE:
            return []
        try:
            part = msgspec.json.decode(event, type=_Event)
        except (msgspec.DecodeError, RecursionError):
            raise self._peer.strange("sent something that cannot be read") from None
        if part.error is not None:
            raise self._peer.broken(f"broke off ({said(part.error)})")
        chunks: list[EngineChunk] = []
        for choice in part.choices[:1]:
            chunks += self._answer(choice)
        if part.usage:
            self._seen = part.usage.prompt_tokens
            chunks.append(Usage(part.usage.tokens()))
        return chunks

    def end(self) -> Finished:
        """The stream is over. Raises EngineError "cut" where it gave no reason."""
        context_cut, sure = was_cut(self._call, self._seen), self._confidence.mean
        match self._reason:
            case "stop" | "tool_calls" | "function_call":
                return Finished(finish="stop", context_cut=context_cut, confidence=sure)
            case "length":
                return Finished(finish="length", context_cut=context_cut, confidence=sure)
            case "content_filter":
                return Finished(finish="blocked", reason="content_filter")
            case None:
                raise self._peer.broken("ended its answer without a reason")
            case other:
                raise self._peer.broken(f"ended for another reason than an answer ({one_line(other)})")

    def _answer(self, choice: "_Choice") -> list[EngineChunk]:
        for piece in choice.delta.tool_calls or ():
            self._tools.setdefault(piece.index, _Fragments()).add(piece)
        for token in (choice.logprobs.content if choice.logprobs else None) or ():
            self._confidence.heard(token.get("logprob"))
        chunks: list[EngineChunk] = [Text(choice.delta.content)] if choice.delta.content else []
        if choice.finish_reason and self._reason is None:
            self._reason = choice.finish_reason
            if self._tools:
                calls = [self._tools[index].whole(f"call_{self._call.id}_{index}") for index in sorted(self._tools)]
                chunks.append(ToolCalls(tuple(calls)))
        return chunks


def said(error: Any) -> str:
    """What an error object says, on one line."""
    inner = error.get("error", error) if isinstance(error, dict) else error
    return one_line(
        inner.get("message") or inner.get("type") or "no reason given" if isinstance(inner, dict) else inner
    )


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolPiece(Struct):
    index: int = 0
    id: str | None = None
    function: _Function = field(default_factory=_Function)


class _Delta(Struct):
    content: str | None = None
    tool_calls: list[_ToolPiece] | None = None


class _Logprobs(Struct):
    content: list[dict[str, Any]] | None = None


class _Choice(Struct):
    logprobs: _Logprobs | None = None
    delta: _Delta = field(default_factory=_Delta)
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: dict[str, Any] | None = None
    completion_tokens_details: dict[str, Any] | None = None

    def tokens(self) -> Tokens:
        cached = (self.prompt_tokens_details or {}).get("cached_tokens")
        thinking = (self.completion_tokens_details or {}).get("reasoning_tokens")
        thinking = thinking if isinstance(thinking, int) else 0
        return Tokens(
            input=self.prompt_tokens,
            output=max(self.completion_tokens - thinking, 0),
            thinking=thinking,
            cached_input=cached if isinstance(cached, int) else 0,
        )


class _Event(Struct):
    choices: list[_Choice] = field(default_factory=list)
    usage: _Usage | None = None
    error: Any = None


class _Fragments:
    """A tool call as it comes in pieces: name and id once, arguments bit by bit."""

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._arguments: list[str] = []

    def add(self, piece: _ToolPiece) -> None:
        self._id = self._id or piece.id or ""
        self._name = self._name or piece.function.name or ""
        self._arguments.append(piece.function.arguments or "")

    def whole(self, fallback_id: str) -> ToolCall:
        return ToolCall(id=self._id or fallback_id, name=self._name, arguments="".join(self._arguments) or "{}")
