"""Does the answer go round in circles? A model that lost its way says the same again until its cap."""

from backends.verification import wording
from backends.verification.word import Answered, Word, failed, unknown

CHECK = "repetition"
TAIL = 4_000
TIMES, LEAST = 6, 240
"""Repeats of one piece, and characters they have together, at the answer's end."""

SENTENCES, SHARE = 12, 0.6
"""Of so many sentences so large a share was said before."""


def repetition(answered: Answered) -> Word:
    text = answered.text.rstrip()
    if runs_on(text[-TAIL:]):
        return failed(CHECK, "it repeats itself to the end")
    parts = wording.sentences(text)
    if len(parts) >= SENTENCES and 1 - len(set(parts)) / len(parts) >= SHARE:
        return failed(CHECK, "most of its sentences repeat earlier ones")
    return unknown(CHECK)


def runs_on(tail: str) -> bool:
    """Does `tail` end in one piece with letters in it, said TIMES times or more? Linear in its length."""
    text = tail[::-1]
    border = [0] * (len(text) + 1)
    at = 0
    for place in range(1, len(text)):
        while at and text[place] != text[at]:
            at = border[at]
        at += text[place] == text[at]
        border[place + 1] = at
        size, period = place + 1, place + 1 - at
        if size >= LEAST and size >= TIMES * period and any(map(str.isalpha, text[:period])):
            return True
    return False
