"""An answer in OpenAI's form: one object, or a stream of chunks whose fixed parts are encoded once."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from backends.engines.plain_text import as_json
from backends.errors import ClawError
from backends.gateway.http_errors import body_of
from backends.types import CLOUD, LOCAL, Outcome, Tokens, ToolCall, Zone

DONE = b"data: [DONE]\n\n"
COMMENT = b": waiting\n\n"
"""Readers of event streams skip it. It keeps clients, and proxies on the way, from closing a silent connection."""

_FINISH = {"stop": "stop", "length": "length", "blocked": "content_filter"}


class ChatChoice(Struct, kw_only=True):
    """One choice as far as it has been received; `outcome` is set at its end."""

    texts: list[str] = []
    calls: list[ToolCall] = []
    signature: str | None = None
    outcome: Outcome | None = None


def finish_reason(outcome: Outcome, *, called: bool, legacy: bool = False) -> str:
    """OpenAI's word for how an answer ended; only for answers, whose finish is stop, length or blocked."""
    if called and outcome.finish == "stop":
        return "function_call" if legacy else "tool_calls"
    return _FINISH[outcome.finish]


def usage(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The tokens that the answers took when they were made. OpenAI counts thinking as completion."""
    tokens = sum((outcome.answer_tokens or outcome.tokens for outcome in outcomes), Tokens())
    completion = tokens.output + tokens.thinking
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": completion,
        "total_tokens": tokens.input + completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached_input},
        "completion_tokens_details": {"reasoning_tokens": tokens.thinking},
    }


def cost_usd(outcomes: Sequence[Outcome]) -> Decimal:
    return sum((outcome.cost_usd for outcome in outcomes), Decimal(0))


def zone_of(*outcomes: Outcome) -> Zone:
    """Where a prompt went: cloud where any call of it did, whoever answered in the end."""
    zones = {each.zone for each in outcomes} | {attempt.zone for each in outcomes for attempt in each.attempts}
    return CLOUD if CLOUD in zones else LOCAL


def ignored(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The fields that had no effect on any of the answers."""
    return tuple(dict.fromkeys(name for outcome in outcomes for name in outcome.ignored))


def claw(outcomes: Sequence[Outcome], *, notes: Sequence[str] = ()) -> dict[str, Any]:
    """What OpenAI's form has no field for: who answered, the cost in US dollars as decimal text, and the notes. Several
    answers have the first one's facts and the sum of their costs; `calls` has each one's own.
    """
    outcome = outcomes[0]
    facts: dict[str, Any] = {
        "agent": outcome.agent,
        "engine": outcome.engine,
        "zone": zone_of(*outcomes),
        "model": outcome.model,
        "cache": outcome.cache,
        "cost_usd": f"{cost_usd(outcomes):f}",
        "baseline_usd": f"{sum((each.baseline_usd for each in outcomes), Decimal(0)):f}",
        "usage_estimated": any(each.usage_estimated for each in outcomes),
    }
    if outcome.answer_tokens is not None:
        facts["cached"] = True
    if outcome.engine == "cache":
        facts |= {"cache_entry": outcome.cache_entry, "cache_age_s": outcome.cache_age_s}
    if len(outcomes) > 1:
        facts["calls"] = [
            {
                "id": each.id,
                "engine": each.engine,
                "zone": zone_of(each),
                "model": each.model,
                "cost_usd": f"{each.cost_usd:f}",
            }
            for each in outcomes
        ]
    all_notes = dict.fromkeys((*(note for each in outcomes for note in each.notes), *notes))
    if names := ignored(outcomes):
        all_notes[f"ignored: {', '.join(names)}"] = None
    if all_notes:
        facts["notes"] = tuple(all_notes)
    return facts


def whole(choices: Sequence[ChatChoice], facts: dict[str, Any], *, legacy: bool = False) -> bytes:
    """A `chat.completion` of whole answers; `facts` is its `claw` object."""
    outcomes = [choice.outcome for choice in choices if choice.outcome is not None]
    encoded = [
        {
            "index": place,
            "message": _message(choice, legacy=legacy),
            "logprobs": None,
            "finish_reason": finish_reason(outcome, called=bool(choice.calls), legacy=legacy),
        }
        for place, (choice, outcome) in enumerate(zip(choices, outcomes, strict=True))
    ]
    first = outcomes[0]
    return as_json(
        {
            "id": f"chatcmpl-{first.id}",
            "object": "chat.completion",
            "created": int(first.started_at.timestamp()),
            "model": first.model,
            "choices": encoded,
            "usage": usage(outcomes),
            "claw": facts,
        }
    )


def _message(choice: ChatChoice, *, legacy: bool) -> dict[str, Any]:
    text = "".join(choice.texts)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if choice.calls and not text else text,
        "refusal": None,
    }
    if choice.calls and legacy:
        message["function_call"] = _function(choice.calls[0])
    elif choice.calls:
        message["tool_calls"] = [_call(call) for call in choice.calls]
    return message | _extra_content(choice.signature)


def left_out(calls: Sequence[ToolCall], *, legacy: bool) -> tuple[str, ...]:
    """A note where an answer of the older kind has no room for all calls."""
    return (
        (f"function_call has room for one call: {len(calls) - 1} more left out",) if legacy and len(calls) > 1 else ()
    )


class ChatStream:
    """The chunks of streamed answers, each a server-sent event. `legacy` tells of calls the older way."""

    def __init__(
        self, request_id: str, model: str, *, include_usage: bool, choices: int = 1, legacy: bool = False
    ) -> None:
        self._base = {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._usage = include_usage
        self._legacy = legacy
        null = b',"usage":null' if include_usage else b""
        fixed = b"data: " + as_json(self._base)[:-1]
        self._before = [fixed + b',"choices":[{"index":%d,"delta":{"content":' % place for place in range(choices)]
        self._after = b'},"finish_reason":null}]' + null + b"}\n\n"
        self._calls = [0] * choices

    def opening(self) -> bytes:
        return b"".join(
            self._event(place, {"role": "assistant", "content": ""}, None) for place in range(len(self._before))
        )

    def text(self, text: str, place: int = 0) -> bytes:
        """The hot path: one string is encoded, the rest stands ready."""
        return self._before[place] + as_json(text) + self._after

    def signed_text(self, text: str, signature: str, place: int = 0) -> bytes:
        """A piece of text, which may be empty, with its thought signature."""
        return self._event(place, {"content": text} | _extra_content(signature), None)

    def calls(self, calls: Sequence[ToolCall], place: int = 0) -> bytes:
        first = self._calls[place]
        self._calls[place] += len(calls)
        if self._legacy:
            return self._event(place, {"function_call": _function(calls[0])}, None) if first == 0 else b""
        return self._event(
            place, {"tool_calls": [{"index": first + each} | _call(call) for each, call in enumerate(calls)]}, None
        )

    def ending(self, outcome: Outcome, place: int = 0) -> bytes:
        """The finish of one answer while others go on."""
        return self._event(place, {}, self._finish(outcome, place))

    def closing(self, outcomes: Sequence[Outcome], facts: dict[str, Any], place: int = 0) -> bytes:
        """The finish of the last one, the usage where it was asked for, `facts` in the last chunk, the terminator."""
        finish, more = self._finish(outcomes[place], place), {"claw": facts}
        if not self._usage:
            return self._event(place, {}, finish, more) + DONE
        last = self._base | {"choices": [], "usage": usage(outcomes)} | more
        return self._event(place, {}, finish) + b"data: " + as_json(last) + b"\n\n" + DONE

    def _finish(self, outcome: Outcome, place: int) -> str:
        return finish_reason(outcome, called=self._calls[place] > 0, legacy=self._legacy)

    def failure(self, error: ClawError) -> bytes:
        """The end of a stream that failed: the error, and no terminator after it."""
        return b"data: " + body_of(error) + b"\n\n"

    def _event(
        self, place: int, delta: dict[str, Any], finish: str | None, more: dict[str, Any] | None = None
    ) -> bytes:
        chunk: dict[str, Any] = {"choices": [{"index": place, "delta": delta, "finish_reason": finish}]}
        if self._usage:
            chunk["usage"] = None
        return b"data: " + as_json(self._base | chunk | (more or {})) + b"\n\n"


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": _function(call)} | _extra_content(call.signature)


def _function(call: ToolCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments}


def _extra_content(signature: str | None) -> dict[str, Any]:
    """Where Google's OpenAI-compatible API has thought signatures: ai.google.dev/gemini-api/docs/thought-signatures"""
    return {"extra_content": {"google": {"thought_signature": signature}}} if signature else {}
