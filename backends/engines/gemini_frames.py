"""Gemini's events as they came over the wire, for what Google's client would lose of them.

It reads a signature as bytes and would write it in another alphabet of base64, and it does not know the numbers that
some servers send in place of words ("finishReason": 1).
"""

import base64
import binascii
from typing import Any

import msgspec
from msgspec import Struct

from backends.engines.framing import Events

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


class _Part(Struct):
    signature: str | None = msgspec.field(default=None, name="thoughtSignature")


class _Content(Struct):
    parts: list[_Part] | None = None


class _Candidate(Struct):
    content: _Content | None = None
    reason: str | int | None = msgspec.field(default=None, name="finishReason")


class _Event(Struct):
    candidates: list[_Candidate] | None = None


_event = msgspec.json.Decoder(_Event)


class GeminiEvents(Events):
    """SSE whose signatures are known to the letter."""

    def __init__(self, signatures: "Signatures") -> None:
        super().__init__()
        self._signatures = signatures

    def wrap(self, frame: bytes) -> bytes:
        if b'"thoughtSignature"' in frame or b'"finishReason"' in frame:
            try:
                candidates = _event.decode(frame).candidates or []
            except msgspec.DecodeError:
                return super().wrap(frame)  # whatever it is, the client says so
            for candidate in candidates:
                for part in (candidate.content.parts if candidate.content else None) or []:
                    if part.signature:
                        self._signatures.note(part.signature)
            if any(isinstance(candidate.reason, int) for candidate in candidates):
                frame = _in_words(frame)
        return super().wrap(frame)


class Signatures:
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


def _in_words(frame: bytes) -> bytes:
    """The event with reasons as words, without the other numbers that stand for words: nothing here reads them."""
    event: dict[str, Any] = msgspec.json.decode(frame)
    for candidate in event["candidates"]:
        reason = candidate.get("finishReason")
        if isinstance(reason, int):
            candidate["finishReason"] = REASONS.get(reason, "OTHER")
        candidate.pop("safetyRatings", None)
    counts = event.get("usageMetadata")
    if isinstance(counts, dict):
        event["usageMetadata"] = {name: value for name, value in counts.items() if isinstance(value, int)}
    return msgspec.json.encode(event)
