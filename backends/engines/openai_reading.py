"""From the events of `/v1/chat/completions` to chunks; knows at the end whether they were an answer.

Servers differ in what they leave out, so a null stands for whatever it stands instead of, an answer may come whole
in spite of `stream`, and tool calls are put together from what their deltas have: index, id or name.
"""

from typing import Any

import msgspec

from backends.engines.base import Call, EngineChunk, Finished, Text, ToolCalls, Usage, most_said
from backends.engines.confidence import Confidence
from backends.engines.foreign import one_line
from backends.engines.openai_calls import Calls
from backends.engines.peer import Peer
from backends.engines.window import was_cut
from backends.types import Tokens

DONE = b"[DONE]"
REASONS = {
    "stop": "stop",
    "tool_calls": "stop",
    "function_call": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "blocked",
}
"""Why an answer ended, in the words of OpenAI and of servers that have words of their own."""


class _Strange(Exception):
    """A value of another shape than the protocol's."""


class Reading:
    def __init__(self, call: Call, peer: Peer) -> None:
        self._call = call
        self._peer = peer
        self._reason: str | None = None
        self._calls = Calls(call.id)
        self._seen: int | None = None
        self._confidence = Confidence()

    def take(self, event: bytes) -> list[EngineChunk]:
        """Raises EngineError for an event that is an error, or none of the protocol's."""
        if event.strip() == DONE:
            return []
        try:
            part = _table(msgspec.json.decode(event))
            if part.get("error") is not None:
                raise self._peer.broken(f"broke off ({said(part['error'])})")
            chunks: list[EngineChunk] = []
            for choice in _list(part.get("choices"))[:1]:
                chunks += self._answer(_table(choice))
            if (usage := _usage(_table(part.get("usage")))) is not None:
                self._seen = usage.tokens.input or None
                chunks.append(usage)
        except (msgspec.DecodeError, RecursionError, _Strange):
            raise self._peer.strange("sent something that cannot be read") from None
        return chunks

    def ending(self) -> list[EngineChunk]:
        """The tool calls, when the stream is over: some servers tell of them after the reason for its end.

        Raises EngineError "empty" where one has no name, or arguments that are no JSON object, though the model came to
        its end.
        """
        calls = self._calls.whole()
        if calls and REASONS.get(self._reason or "") != "length" and not all(map(self._calls.readable, calls)):
            raise self._peer.empty("wrote a tool call without a name, or whose arguments are no JSON object")
        return [ToolCalls(calls)] if calls else []

    def end(self) -> Finished:
        """The stream is over. Raises EngineError "cut" where it gave no reason."""
        context_cut, sure = was_cut(self._call, self._seen), self._confidence.mean
        if self._reason is None:
            raise self._peer.broken("ended its answer without a reason")
        match REASONS.get(self._reason):
            case "stop":
                return Finished(finish="stop", context_cut=context_cut, confidence=sure)
            case "length":
                return Finished(finish="length", context_cut=context_cut, confidence=sure)
            case "blocked":
                return Finished(finish="blocked", reason=self._reason)
        raise self._peer.broken(f"ended for another reason than an answer ({one_line(self._reason)})")

    def _answer(self, choice: dict[str, Any]) -> list[EngineChunk]:
        said = _table(choice.get("delta")) or _table(choice.get("message"))
        for piece in _list(said.get("tool_calls")):
            self._calls.add(_table(piece))
        if legacy := _table(said.get("function_call")):
            self._calls.add({"index": 0, "function": legacy})
        for token in _list(_table(choice.get("logprobs")).get("content")):
            self._confidence.heard(_table(token).get("logprob"))
        if self._calls.size > most_said(self._call):
            return [ToolCalls(self._calls.whole())]  # too long for anybody to take: who reads breaks off
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason and self._reason is None:
            self._reason = reason
        text = _text(said.get("content")) + _text(said.get("refusal"))
        return [Text(text)] if text else []


def said(error: Any) -> str:
    """What an error object says, on one line."""
    inner = error.get("error", error) if isinstance(error, dict) else error
    return one_line(
        inner.get("message") or inner.get("type") or "no reason given" if isinstance(inner, dict) else inner
    )


def _text(content: Any) -> str:
    """Text as a string, or as a list of parts of which only those of text are the answer."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for part in _list(content):
        if isinstance(part, str):
            texts.append(part)
        elif (kind := _table(part).get("type", "text")) in ("text", "output_text", "refusal"):
            found = part.get("refusal" if kind == "refusal" else "text")
            texts.append(found if isinstance(found, str) else "")
    return "".join(texts)


def _usage(usage: dict[str, Any]) -> Usage | None:
    """A usage report; None where it tells of neither side."""
    seen, made = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if seen is None and made is None:
        return None
    cached = _count(_table(usage.get("prompt_tokens_details")).get("cached_tokens")) or 0
    thinking = _count(_table(usage.get("completion_tokens_details")).get("reasoning_tokens")) or 0
    tokens = Tokens(
        input=seen or 0, output=max((made or 0) - thinking, 0), thinking=thinking, cached_input=cached if seen else 0
    )
    return Usage(tokens)


def _count(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _table(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Strange
    return value


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Strange
    return value
