"""The short answer at a text's end, a number or one of the options, and whether a second sample has the same."""

import re

from backends.verification.choice import question, taken
from backends.verification.numbers import close, numbers
from backends.verification.word import Word, failed, passed, unknown

CHECK = "sample"
FINAL = re.compile(
    r"(?i)(?:####|\b(?:final )?answer(?: is|:)|\bresult(?: is|:)|\btotal(?: is|:)|\bantwort(?: ist|:|\s+lautet)"
    r"|\bréponse(?: est|\s?:)|\brespuesta(?: es|:)|\\boxed\{)\W{0,12}"
)
SHORT = 60
"""Characters: a text this short is its own conclusion."""

Short = int | float
"""The place of an option taken, or a number."""


def short_answer(prompt: str, text: str) -> Short | None:
    """What can be compared; None where the answer is not of that kind."""
    if options := question(prompt).options:
        place = taken(text, len(options)).place
        return place if place is not None else _bare_letter(text, len(options))
    conclusions = list(FINAL.finditer(text[-8_000:]))
    part = text[-8_000:][conclusions[-1].end() :][:SHORT] if conclusions else text.strip()
    if len(part) > SHORT:
        return None
    found = list(numbers(part))
    return float(found[0].value) if found and (conclusions or len(found) == 1) else None


def agrees(first: Short, second: Short | None) -> Word:
    if second is None:
        return unknown(CHECK)
    same = close(first, second, 0.001) if isinstance(first, float) else first == second
    return passed(CHECK) if same else failed(CHECK, "a second sample disagrees")


def _bare_letter(text: str, options: int) -> int | None:
    """An answer that is only a letter, "B" or "(B) because …"."""
    match = re.match(r"\W{0,4}([A-Z])(?:[).:]|\W{0,4}$)", text.strip())
    place = ord(match[1]) - ord("A") if match else options
    return place if place < options else None
