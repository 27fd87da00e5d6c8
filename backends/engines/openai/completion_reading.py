"""Turns the events of `/v1/chat/completions` into chunks, and knows at the end whether they were a whole answer.

Servers differ in what they leave out: a null may stand in any field, an answer may come whole in spite of `stream`,
and tool calls are joined by whatever their deltas have: index, id or name.
"""

import re
from typing import Any

import msgspec

from backends.catalogue.model_identity import usable
from backends.engines.base import AnsweredBy, Call, EngineChunk, Finished, Text, ToolCalls, Usage, answer_byte_limit
from backends.engines.context_window import was_cut
from backends.engines.endpoint import Endpoint
from backends.engines.openai.openai_errors import Answered, Refusal, error_message
from backends.engines.openai.tool_call_deltas import ToolCallDeltas
from backends.engines.token_confidence import Confidence
from backends.engines.untrusted_text import one_line
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


DATE = re.compile(r"-(\d{4}-\d\d-\d\d|\d{4,8})$")
"""The build of a model, as in "gpt-4.1-2025-04-14"."""


class _WrongShape(Exception):
    """A value of another shape than the protocol's."""


class CompletionReading:
    def __init__(self, call: Call, endpoint: Endpoint) -> None:
        self._call = call
        self._endpoint = endpoint
        self._reason: str | None = None
        self._calls = ToolCallDeltas(call.id)
        self._seen: int | None = None
        self._confidence = Confidence()
        self._model = ""
        self._begun = False
        self._ended = b""  # the event before, where it gave the reason

    def feed(self, event: bytes) -> list[EngineChunk]:
        """Raises Refusal for an error with a status before any of the answer, EngineError for one later or for an event
        that is none of the protocol's. A last event that comes twice is read once.
        """
        if event.strip() == DONE or event == self._ended:
            return []
        self._ended = b""
        try:
            part = _object(msgspec.json.decode(event))
            if part.get("error") is not None:
                raise self._error(part)
            chunks: list[EngineChunk] = self._answered_by(part)
            for choice in _array(part.get("choices"))[:1]:
                chunks += self._answer(_object(choice))
                self._ended = event if _object(choice).get("finish_reason") else b""
            if (usage := _usage(_object(part.get("usage")))) is not None:
                self._seen = usage.tokens.input or None
                chunks.append(usage)
        except (msgspec.DecodeError, RecursionError, _WrongShape):
            raise self._endpoint.protocol_error("sent something that cannot be read") from None
        return chunks

    def tool_calls(self) -> list[EngineChunk]:
        """The tool calls, once the stream is over: some servers send them after the finish reason.

        Raises EngineError "empty" where a call has no name or its arguments are not a JSON object, although the model
        finished normally.
        """
        calls = self._calls.whole()
        if calls and REASONS.get(self._reason or "") != "length" and not all(map(self._calls.readable, calls)):
            raise self._endpoint.empty("wrote a tool call without a name, or whose arguments are no JSON object")
        return [ToolCalls(calls)] if calls else []

    def finish(self) -> Finished:
        """The stream is over. Raises EngineError "cut" where it gave no reason."""
        context_cut, confidence = was_cut(self._call, self._seen), self._confidence.mean
        if self._reason is None:
            raise self._endpoint.cut_off("ended its answer without a reason")
        match REASONS.get(self._reason):
            case "stop":
                return Finished(finish="stop", context_cut=context_cut, confidence=confidence)
            case "length":
                return Finished(finish="length", context_cut=context_cut, confidence=confidence)
            case "blocked":
                return Finished(finish="blocked", reason=self._reason)
        raise self._endpoint.cut_off(f"ended for another reason than an answer ({one_line(self._reason)})")

    def _error(self, part: dict[str, Any]) -> Exception:
        code = _object(part["error"]).get("code") if isinstance(part["error"], dict) else None
        if not self._begun and isinstance(code, int) and 400 <= code < 600:
            return Refusal(Answered(code, part))
        return self._endpoint.cut_off(f"broke off ({error_message(part)})")

    def _answered_by(self, part: dict[str, Any]) -> list[EngineChunk]:
        """The model that answers, where a provider names another one than was asked for; a dated build is the same."""
        model = part.get("model")
        if self._model or not self._endpoint.billed or not isinstance(model, str) or not usable(model):
            return []
        self._model = model
        return [] if self._call.model in (model, DATE.sub("", model)) else [AnsweredBy(model)]

    def _answer(self, choice: dict[str, Any]) -> list[EngineChunk]:
        message = _object(choice.get("delta")) or _object(choice.get("message"))
        for piece in _array(message.get("tool_calls")):
            self._calls.add(_object(piece))
        if legacy := _object(message.get("function_call")):
            self._calls.add({"index": 0, "function": legacy})
        for token in _array(_object(choice.get("logprobs")).get("content")):
            self._confidence.add(_object(token).get("logprob"))
        if self._calls.size > answer_byte_limit(self._call):
            return [ToolCalls(self._calls.whole())]  # over the limit: the reader stops the call
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason and self._reason is None:
            self._reason = reason
        text = _text(message.get("content")) + _text(message.get("refusal"))
        self._begun = self._begun or bool(text or message.get("tool_calls"))
        return [Text(text)] if text else []


def _text(content: Any) -> str:
    """Text as a string, or as a list of parts, of which only the text parts are the answer."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for part in _array(content):
        if isinstance(part, str):
            texts.append(part)
        elif (kind := (fields := _object(part)).get("type", "text")) in ("text", "output_text", "refusal"):
            found = fields.get("refusal" if kind == "refusal" else "text")
            texts.append(found if isinstance(found, str) else "")
    return "".join(texts)


def _usage(usage: dict[str, Any]) -> Usage | None:
    """A usage report; None where it has neither count."""
    seen, made = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if seen is None and made is None:
        return None
    told = _count(_object(usage.get("prompt_tokens_details")).get("cached_tokens"))
    cached = told or 0
    thinking = _count(_object(usage.get("completion_tokens_details")).get("reasoning_tokens")) or 0
    tokens = Tokens(
        input=seen or 0, output=max((made or 0) - thinking, 0), thinking=thinking, cached_input=cached if seen else 0
    )
    return Usage(tokens, cached_known=told is not None)


def _count(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _WrongShape
    return value


def _array(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _WrongShape
    return value
