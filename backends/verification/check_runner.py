"""Which checks run at which depth, and their overall result."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from backends.verification.answer_checks import (
    check_completeness,
    check_confidence,
    check_format,
    check_refusal,
    check_repetition,
    check_required_call,
    check_written_calls,
)
from backends.verification.check_result import CheckedAnswer, CheckResult, unknown
from backends.verification.code_blocks import check_code

if TYPE_CHECKING:
    from backends.verification.short_answers.score import Score

CALLS = (check_required_call, check_written_calls, check_format)
FORMAT = (check_completeness, *CALLS)
THOROUGH = (*FORMAT, check_refusal, check_repetition, check_code, check_confidence)
Depth = Literal["required-call", "calls", "format", "all"]
"""How much is checked: only that the required tool is called, all tool calls, the format, or everything."""

CHECKS: dict[Depth, tuple[Callable[[CheckedAnswer], CheckResult], ...]] = {
    "required-call": (check_required_call,),
    "calls": CALLS,
    "format": FORMAT,
    "all": THOROUGH,
}


def run_checks(answer: CheckedAnswer, score: "Score | None", depth: Depth) -> list[CheckResult]:
    """The result of each check, up to the first that fails. `score` runs last, where there is one.

    A few milliseconds at most, whatever the answer's length.
    """
    results: list[CheckResult] = []
    for check in CHECKS[depth]:
        results.append(check(answer))
        if results[-1].status == "fail":
            return results
    return results if score is None else [*results, score.check(answer)]


def overall(results: Sequence[CheckResult]) -> CheckResult:
    """The first failure, else the first pass, else unknown."""
    for status in ("fail", "pass"):
        if (result := next((each for each in results if each.status == status), None)) is not None:
            return result
    return unknown("all")
