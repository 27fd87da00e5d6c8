"""The short answer at the end of a text, a number or an option, and whether a second sample has the same one."""

import re

from backends.verification.check_result import CheckResult, failed, passed, unknown
from backends.verification.short_answers.multiple_choice import chosen_option, parse_question
from backends.verification.short_answers.numbers import close, numbers

FINAL = re.compile(
    r"(?i)(?:####|\b(?:final )?answer(?: is|:)|\bresult(?: is|:)|\btotal(?: is|:)|\bantwort(?: ist|:|\s+lautet)"
    r"|\bréponse(?: est|\s?:)|\brespuesta(?: es|:)|\\boxed\{)\W{0,12}"
)
SHORT = 60
"""Characters: a text this short is a conclusion in itself."""

Short = int | float
"""The index of the option that was chosen, or a number."""


def short_answer(prompt: str, text: str) -> Short | None:
    """None where the answer is neither an option nor a number."""
    if options := parse_question(prompt).options:
        index = chosen_option(text, len(options)).index
        return index if index is not None else _bare_letter(text, len(options))
    conclusions = list(FINAL.finditer(text[-8_000:]))
    part = text[-8_000:][conclusions[-1].end() :][:SHORT] if conclusions else text.strip()
    if len(part) > SHORT:
        return None
    found = list(numbers(part))
    return float(found[0].value) if found and (conclusions or len(found) == 1) else None


def agrees(first: Short, second: Short | None) -> CheckResult:
    """Pass where both samples have the same short answer; unknown where the second has none."""
    if second is None:
        return unknown("sample")
    same = close(first, second, 0.001) if isinstance(first, float) else first == second
    return passed("sample") if same else failed("sample", "a second sample disagrees")


def _bare_letter(text: str, options: int) -> int | None:
    """An answer that is only a letter, "B" or "(B) because …"."""
    match = re.match(r"\W{0,4}([A-Z])(?:[).:]|\W{0,4}$)", text.strip())
    index = ord(match[1]) - ord("A") if match else options
    return index if index < options else None
