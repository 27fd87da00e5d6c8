"""Placeholders (`[[EMAIL_1]]`): how they are written, numbered, and recognised in what a model made of them."""

import re

from backends.privacy.detectors.kinds import KINDS

LABELS = "|".join(sorted({kind.label for kind in KINDS.values()}, key=len, reverse=True))

OPENING, CLOSING = r"\\?[\[［【⟦]", r"\\?[\]］】⟧]"
"""As models write brackets: escaped for Markdown, or of full width in Chinese and Japanese."""

MARKUP = r"[\s*`]{0,3}"
PLACEHOLDER = re.compile(
    rf"(?:{OPENING}){{1,2}}{MARKUP}(?P<label>(?i:{LABELS.replace('_', '[_ -]')}))\s?\\?[_\- ]?\s?"
    rf"(?P<number>[0-9]{{1,7}}){MARKUP}(?:{CLOSING}){{1,2}}"
    rf"|(?<![\w\[])(?P<bare>{LABELS})\\?_(?P<digits>[0-9]{{1,7}})(?![\w\]])"
)
"""With brackets, in any case; without brackets, only as it was given out."""

MOST = 9_999_999
"""The highest number that PLACEHOLDER recognises."""

WRITTEN = re.compile(rf"(?i)(?<![A-Za-z])(?:{LABELS})[\s_\\\-]{{0,3}}(\d{{1,7}})(?!\d)")
"""A number that stands where a placeholder has its own."""

Name = tuple[str, int]
"""A placeholder's label and number."""


def named(match: re.Match[str]) -> Name:
    """The placeholder that PLACEHOLDER has matched."""
    label = (match["label"] or match["bare"]).upper().replace(" ", "_").replace("-", "_")
    return label, int(match["number"] or match["digits"])


def names_in(text: str) -> frozenset[Name]:
    """The placeholders that would be restored in a text."""
    return frozenset(map(named, PLACEHOLDER.finditer(text)))


def highest_in(text: str) -> int:
    """The highest number in a text that stands where a placeholder has its own, 0 where there is none."""
    return max((int(match[1]) for match in WRITTEN.finditer(text)), default=0)


class Placeholders:
    """Gives each value its placeholder, by order of first appearance, with numbers after those that are `used`.

    A value keeps its placeholder while the conversation only grows at its end, so what was sent before is the beginning
    of what is sent now.
    """

    def __init__(self, used: int = 0) -> None:
        self._used = used
        self._given: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}
        self.values: dict[Name, str] = {}

    def keep_clear_of(self, number: int) -> None:
        """Numbers up to this one are in the text; later placeholders have higher ones."""
        self._used = max(self._used, number)

    def __call__(self, kind: str, value: str) -> str:
        """The placeholder of a value. Raises OverflowError where the text has used up the numbers."""
        label = KINDS[kind].label
        given = self._given.get((label, value))
        if given is None:
            number = self._numbers[label] = max(self._numbers.get(label, 0), self._used) + 1
            if number > MOST:
                raise OverflowError("no number is left for a placeholder")
            self.values[label, number] = value
            given = self._given[label, value] = f"[[{label}_{number}]]"
        return given
