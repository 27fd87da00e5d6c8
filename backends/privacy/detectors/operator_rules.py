"""The operator's own words and regular expressions, with a bound on the time that a pattern may take."""

from collections.abc import Iterator
from time import monotonic

import regex

from backends.patterns import compiled
from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow

TIME_S = 0.25
"""For all patterns on one text; Python's own `re` cannot be stopped, `regex` can."""


class OperatorRules:
    """Words match whole, in any case and across line ends; patterns match as written."""

    def __init__(self, words: tuple[str, ...], patterns: tuple[str, ...]) -> None:
        """Raises ValueError for a pattern that does not compile, naming it."""
        wanted = [r"\s+".join(map(regex.escape, word.split())) for word in words if word.strip()]
        self._words = regex.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", regex.IGNORECASE) if wanted else None
        self._patterns = [compiled(pattern) for pattern in patterns]

    def find(self, window: TextWindow) -> Iterator[Detection]:
        """Every word and match. Raises TimeoutError when the patterns' time is up."""
        text = window.text
        for match in self._words.finditer(text) if self._words is not None else ():
            yield Detection("word", match.start(), match.end())
        ends = monotonic() + TIME_S
        for pattern in self._patterns:
            for start, end in _matches(pattern, text, ends):
                yield Detection("pattern", start, end)


def _matches(pattern: "regex.Pattern[str]", text: str, ends: float) -> Iterator[tuple[int, int]]:
    """Every match that is not empty. Raises TimeoutError when the clock reaches `ends`."""
    at = 0
    while at <= len(text):
        left = ends - monotonic()
        if left <= 0:
            raise TimeoutError
        match = pattern.search(text, at, timeout=left)
        if match is None:
            return
        if match.end() > match.start():
            yield match.start(), match.end()
        at = max(match.end(), at + 1)
