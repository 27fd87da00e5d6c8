"""The operator's own words and regular expressions, with a bound on the time that a pattern may take."""

from collections.abc import Iterator
from time import thread_time

import regex

from backends.patterns import compiled
from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow

START_S, KB_S = 0.02, 0.00035
"""CPU seconds for each pattern on one text, and for each kB of it: ten times what a usual pattern takes, after a start
that a search for garbage in this thread does not use up. Python's own `re` cannot be stopped, `regex` can.
"""


class OperatorRules:
    """Words match whole, in any case and across line ends; patterns match as written."""

    def __init__(self, words: tuple[str, ...], patterns: tuple[str, ...]) -> None:
        """Raises ValueError for a pattern that does not compile, naming it."""
        wanted = [r"\s+".join(map(regex.escape, word.split())) for word in words if word.strip()]
        self._words = regex.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", regex.IGNORECASE) if wanted else None
        self._patterns = [compiled(pattern) for pattern in patterns]

    def find(self, window: TextWindow) -> Iterator[Detection]:
        """Every word and match. Raises TimeoutError when a pattern's time is up."""
        text = window.text
        for match in self._words.finditer(text) if self._words is not None else ():
            yield Detection("word", match.start(), match.end())
        for pattern in self._patterns:
            for start, end in _matches(pattern, text, START_S + len(text) / 1000 * KB_S):
                yield Detection("pattern", start, end)


def _matches(pattern: "regex.Pattern[str]", text: str, allowed_s: float) -> Iterator[tuple[int, int]]:
    """Every match that is not empty. Raises TimeoutError when `allowed_s` are spent."""
    at, ends = 0, thread_time() + allowed_s
    while at <= len(text):
        left = ends - thread_time()
        if left <= 0:
            raise TimeoutError
        match = pattern.search(text, at, timeout=left)
        if match is None:
            return
        if match.end() > match.start():
            yield match.start(), match.end()
        at = max(match.end(), at + 1)
