"""What a check says of an answer."""

from typing import Literal

from msgspec import Struct

from backends.types import Request, ToolCall

Verdict = Literal["pass", "fail", "unknown"]


class Word(Struct, frozen=True, kw_only=True):
    """One check's word. `reason` is short and has nothing of the answer in it ("not valid JSON")."""

    check: str
    verdict: Verdict
    reason: str = ""


class Answered(Struct, frozen=True, kw_only=True):
    """An answer as the checks see it.

    `prompt` is the instruction, `allowed` the gain of the cloud's that the dial lets go, `confidence` the geometric
    mean of the tokens' probabilities; None is unknown. `cap_raised`: another engine would have more room for output.
    """

    request: Request
    prompt: str
    text: str
    calls: tuple[ToolCall, ...] = ()
    cut: bool = False
    cap_raised: bool = False
    confidence: float | None = None
    allowed: float | None = None


def unknown(check: str) -> Word:
    return Word(check=check, verdict="unknown")


def failed(check: str, reason: str) -> Word:
    return Word(check=check, verdict="fail", reason=reason)


def passed(check: str) -> Word:
    return Word(check=check, verdict="pass")
