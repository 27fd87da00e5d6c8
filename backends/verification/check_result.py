"""What a check is given and what it returns."""

from typing import Literal

from msgspec import Struct

from backends.types import Request, ToolCall

CheckStatus = Literal["pass", "fail", "unknown"]


class CheckResult(Struct, frozen=True, kw_only=True):
    """The result of one check. `reason` is short and holds no text of the answer ("not valid JSON")."""

    check: str
    status: CheckStatus
    reason: str = ""


class CheckedAnswer(Struct, frozen=True, kw_only=True):
    """An answer as the checks see it.

    `prompt` is the instruction. `allowed` is the gain of the cloud's answer that the dial gives up. `confidence` is the
    geometric mean of the tokens' probabilities. Both are None where they are unknown. `cap_raised`: another engine
    would have more room for output.
    """

    request: Request
    prompt: str
    text: str
    calls: tuple[ToolCall, ...] = ()
    cut: bool = False
    cap_raised: bool = False
    confidence: float | None = None
    allowed: float | None = None


def unknown(check: str) -> CheckResult:
    return CheckResult(check=check, status="unknown")


def failed(check: str, reason: str) -> CheckResult:
    return CheckResult(check=check, status="fail", reason=reason)


def passed(check: str) -> CheckResult:
    return CheckResult(check=check, status="pass")
