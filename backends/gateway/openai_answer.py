"""An answer in OpenAI's words: one object, or a stream of chunks whose fixed parts are encoded once."""

import time
from typing import Any

import msgspec

from backends.errors import ClawError
from backends.gateway.refusal import body_of
from backends.types import Outcome, Tokens, ToolCall

DONE = b"data: [DONE]\n\n"

_FINISH = {"stop": "stop", "length": "length", "blocked": "content_filter"}

_encode = msgspec.json.encode


def finish_reason(outcome: Outcome, *, called: bool) -> str:
    """OpenAI's word for how an answer ended; only for answers, whose finish is stop, length or blocked."""
    return "tool_calls" if called and outcome.finish == "stop" else _FINISH[outcome.finish]


def usage(tokens: Tokens) -> dict[str, Any]:
    """OpenAI counts thinking as completion."""
    completion = tokens.output + tokens.thinking
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": completion,
        "total_tokens": tokens.input + completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached_input},
        "completion_tokens_details": {"reasoning_tokens": tokens.thinking},
    }


def claw(outcome: Outcome) -> dict[str, Any]:
    """What OpenAI has no place for: who answered, and what it cost in US dollars as decimal text."""
    facts: dict[str, Any] = {
        "agent": outcome.agent,
        "engine": outcome.engine,
        "model": outcome.model,
        "cache": outcome.cache,
        "cost_usd": f"{outcome.cost_usd:f}",
        "baseline_usd": f"{outcome.baseline_usd:f}",
        "usage_estimated": outcome.usage_estimated,
    }
    if outcome.engine == "cache":
        facts |= {"cache_entry": outcome.cache_entry, "cache_age_s": outcome.cache_age_s}
    if outcome.notes:
        facts["notes"] = outcome.notes
    return facts


def whole(outcome: Outcome, text: str, calls: tuple[ToolCall, ...]) -> bytes:
    """A `chat.completion`."""
    message: dict[str, Any] = {"role": "assistant", "content": None if calls and not text else text, "refusal": None}
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": finish_reason(outcome, called=bool(calls)),
    }
    return encoded(
        {
            "id": f"chatcmpl-{outcome.id}",
            "object": "chat.completion",
            "created": int(outcome.started_at.timestamp()),
            "model": outcome.model,
            "choices": [choice],
            "usage": usage(outcome.tokens),
            "claw": claw(outcome),
        }
    )


class Stream:
    """The chunks of one streamed answer, each a server-sent event."""

    def __init__(self, request_id: str, model: str, *, include_usage: bool) -> None:
        self._base = {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._usage = include_usage
        null = b',"usage":null' if include_usage else b""
        fixed = encoded(self._base)[:-1]
        self._before = b"data: " + fixed + b',"choices":[{"index":0,"delta":{"content":'
        self._after = b'},"finish_reason":null}]' + null + b"}\n\n"
        self._calls = 0

    def opening(self) -> bytes:
        return self._event({"role": "assistant", "content": ""}, None)

    def text(self, text: str) -> bytes:
        """The hot path: one string is encoded, the rest stands ready."""
        return self._before + encoded(text) + self._after

    def calls(self, calls: tuple[ToolCall, ...]) -> bytes:
        first = self._calls
        self._calls += len(calls)
        return self._event(
            {"tool_calls": [{"index": first + place} | _call(call) for place, call in enumerate(calls)]}, None
        )

    def ending(self, outcome: Outcome) -> bytes:
        """The finish, the usage where it was asked for, the cost in the last of them, and the terminator."""
        finish = finish_reason(outcome, called=self._calls > 0)
        more = {"claw": claw(outcome)}
        if not self._usage:
            return self._event({}, finish, more) + DONE
        last = self._base | {"choices": [], "usage": usage(outcome.tokens)} | more
        return self._event({}, finish) + b"data: " + encoded(last) + b"\n\n" + DONE

    def failure(self, error: ClawError) -> bytes:
        """An honest end: the error, and no terminator after it."""
        return b"data: " + body_of(error) + b"\n\n"

    def _event(self, delta: dict[str, Any], finish: str | None, more: dict[str, Any] | None = None) -> bytes:
        chunk: dict[str, Any] = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        if self._usage:
            chunk["usage"] = None
        return b"data: " + encoded(self._base | chunk | (more or {})) + b"\n\n"


def encoded(value: Any) -> bytes:
    """`value` as JSON; half of a surrogate pair, which UTF-8 has no bytes for, becomes `?`."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_replaced(value))


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item) for item in value]
    return value


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
