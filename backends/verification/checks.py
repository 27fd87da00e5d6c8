"""All checks of one answer, and what they come to together."""

from collections.abc import Callable, Sequence
from typing import Literal

from backends.verification.calling import called, readable
from backends.verification.code import code
from backends.verification.confidence import confidence
from backends.verification.form import form
from backends.verification.refusal import refusal
from backends.verification.repetition import repetition
from backends.verification.score import Score
from backends.verification.whole import whole
from backends.verification.word import Answered, Word, unknown

CALLS = (called, readable, form)
FORM = (whole, *CALLS)
THOROUGH = (*FORM, refusal, repetition, code, confidence)
Depth = Literal["choice", "calls", "form", "all"]
"""How closely an answer is looked at: for the tool that must be called, for its calls, for its form, or for all."""

CHECKS: dict[Depth, tuple[Callable[[Answered], Word], ...]] = {
    "choice": (called,),
    "calls": CALLS,
    "form": FORM,
    "all": THOROUGH,
}


def judged(answered: Answered, score: Score | None, depth: Depth) -> list[Word]:
    """Each check's word, up to the first that fails. `score` is there where all is to be looked at, and speaks last.

    Some milliseconds at the most, whatever the answer's length.
    """
    words: list[Word] = []
    for check in CHECKS[depth]:
        words.append(check(answered))
        if words[-1].verdict == "fail":
            return words
    return words if score is None else [*words, score.word(answered)]


def overall(words: Sequence[Word]) -> Word:
    """One failure outweighs every pass; nothing known is unknown."""
    for verdict in ("fail", "pass"):
        if (word := next((word for word in words if word.verdict == verdict), None)) is not None:
            return word
    return unknown("all")
