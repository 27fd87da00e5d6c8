"""Gemini's events as they came over the wire, to keep what Google's client would lose of them.

It reads a signature as bytes and would write it in another alphabet of base64, and it does not know the numbers that
some servers send in place of words ("finishReason": 1).
"""

import base64
import binascii
import re
from typing import Any

import msgspec
from msgspec import Struct

from backends.engines.framing import SseEvents

REASONS = {
    0: "FINISH_REASON_UNSPECIFIED",
    1: "STOP",
    2: "MAX_TOKENS",
    3: "SAFETY",
    4: "RECITATION",
    5: "OTHER",
    6: "LANGUAGE",
    7: "BLOCKLIST",
    8: "PROHIBITED_CONTENT",
    9: "SPII",
    10: "MALFORMED_FUNCTION_CALL",
}
"""By number. Source: google.ai.generativelanguage.v1beta.Candidate.FinishReason in googleapis/googleapis"""

NUMBERS = re.compile(rb'"(finishReason|modality|category|probability)"\s*:\s*\d')


class _Part(Struct):
    signature: str | None = msgspec.field(default=None, name="thoughtSignature")


class _Content(Struct):
    parts: list[_Part] | None = None


class _Candidate(Struct):
    content: _Content | None = None


class _Event(Struct):
    candidates: list[_Candidate] | None = None


_event = msgspec.json.Decoder(_Event)


class GeminiEvents(SseEvents):
    """SSE events; notes each signature exactly as it was written."""

    def __init__(self, signatures: "WrittenSignatures") -> None:
        super().__init__()
        self._signatures = signatures

    def wrap(self, frame: bytes) -> bytes:
        if NUMBERS.search(frame):
            frame = _in_words(frame)
        if b'"thoughtSignature"' in frame:
            for signature in _signatures_in(frame):
                self._signatures.note(signature)
        return super().wrap(frame)


class WrittenSignatures:
    """The signatures of one answer as Google wrote them, by the bytes that its client makes of them."""

    def __init__(self) -> None:
        self._written: dict[bytes, str] = {}

    def note(self, written: str) -> None:
        try:
            self._written[base64.b64decode(written.replace("-", "+").replace("_", "/"), validate=True)] = written
        except (binascii.Error, ValueError):
            return  # the client will not read it either

    def written(self, read: bytes | None) -> str | None:
        """None where there is none."""
        if not read:
            return None
        return self._written.get(read) or base64.b64encode(read).decode()


def _signatures_in(frame: bytes) -> list[str]:
    """None where the event is of another shape: then the client says so."""
    try:
        candidates = _event.decode(frame).candidates or []
    except msgspec.DecodeError:
        return []
    parts = [part for candidate in candidates if candidate.content for part in candidate.content.parts or []]
    return [part.signature for part in parts if part.signature]


def _in_words(frame: bytes) -> bytes:
    """The event with reasons as words, without the other numbers that stand for words: nothing here reads them."""
    try:
        event = msgspec.json.decode(frame, type=dict[str, Any])
    except msgspec.DecodeError:
        return frame
    candidates = event.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if isinstance(candidate, dict):
            reason = candidate.get("finishReason")
            if isinstance(reason, int):
                candidate["finishReason"] = REASONS.get(reason, "OTHER")
            candidate.pop("safetyRatings", None)
    counts = event.get("usageMetadata")
    if isinstance(counts, dict):
        event["usageMetadata"] = {name: value for name, value in counts.items() if isinstance(value, int)}
    return msgspec.json.encode(event)
