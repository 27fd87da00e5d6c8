"""Gemini's response objects: candidates, usage, blocks, and the odd ones that faults ask for."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from msgspec import Struct

from backends.rehearsal.faults import Fault
from backends.rehearsal.usage_counts import ServedCall

Event = dict[str, Any]
THOUGHT = "**Weighing the question**\n\nWhat is asked, what is known, and which part would change the answer.\n"


class Responses(Struct, frozen=True):
    """Makes the events of one call; usage is always the call's count so far."""

    call: ServedCall
    model: str

    def candidate(self, parts: Sequence[Any] = (), finish: str | None = None) -> Event:
        content: dict[str, Any] = {"role": "model"}
        if parts:
            content["parts"] = list(parts)
        candidate: dict[str, Any] = {"content": content, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], **self._rest()}

    def blocked(self, reason: str) -> Event:
        """The prompt itself is refused: no candidates."""
        ratings = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]
        return {"promptFeedback": {"blockReason": reason, "safetyRatings": ratings}, **self._rest()}

    def _rest(self) -> Event:
        return {"usageMetadata": usage(self.call), "modelVersion": self.model, "responseId": self.call.id}


def usage(call: ServedCall) -> dict[str, Any]:
    """usageMetadata as Gemini words it: candidates exclude thoughts, the prompt includes what was cached."""
    counts: dict[str, Any] = {
        "promptTokenCount": call.input,
        "totalTokenCount": call.input + call.output + call.thinking,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": call.input}],
    }
    if call.output:
        counts["candidatesTokenCount"] = call.output
    if call.thinking:
        counts["thoughtsTokenCount"] = call.thinking
    if call.cached:
        counts["cachedContentTokenCount"] = call.cached
        counts["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": call.cached}]
    return counts


async def altered(events: AsyncGenerator[Event], fault: Fault | None) -> AsyncGenerator[Event]:
    """The same events, made odd as a fault of kind "usage" or "wire" wants."""
    mode = fault.mode if fault is not None and fault.kind in ("usage", "wire") else ""
    number = 0
    async with aclosing(events):
        async for event in events:
            last = _ends(event)
            if mode == "stop-first" and number == 0:
                yield {**event, "candidates": [{"content": {"role": "model"}, "finishReason": "STOP", "index": 0}]}
            if mode == "reason-alone" and last and event["candidates"][0]["content"].get("parts"):
                yield {**event, "candidates": [_without(event["candidates"][0], "finishReason")]}
                yield {**event, "candidates": [{"finishReason": event["candidates"][0]["finishReason"], "index": 0}]}
            else:
                yield _altered(event, mode, number, last, fault)
            number += 1


def _altered(event: Event, mode: str, number: int, last: bool, fault: Fault | None) -> Event:  # noqa: PLR0911 — one for each mode
    counts = event["usageMetadata"]
    match mode:
        case "zeros-first" if number == 0:
            return event | {"usageMetadata": {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}}
        case "absent":
            return _without(event, "usageMetadata")
        case "absent-last" if last:
            return _without(event, "usageMetadata")
        case "wrong-total" if last:
            return event | {"usageMetadata": counts | {"totalTokenCount": counts["totalTokenCount"] + 7}}
        case "cached-over-prompt" if last:
            return event | {"usageMetadata": counts | {"cachedContentTokenCount": counts["promptTokenCount"] + 100}}
        case "stop-each" if event.get("candidates"):
            return event | {"candidates": [event["candidates"][0] | {"finishReason": "STOP"}]}
        case "stop-first" if event.get("candidates"):
            return event | {"candidates": [_without(event["candidates"][0], "finishReason")]}
        case "big" if number == 0 and fault is not None:
            return event | {"padding": " " * fault.size_b}
        case _:
            return event


def _ends(event: Event) -> bool:
    candidates = event.get("candidates")
    return bool(candidates and candidates[0].get("finishReason"))


def _without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}
