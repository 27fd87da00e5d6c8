"""The operator's own words and regular expressions, with a bound on the time that a pattern may take."""

from collections.abc import Iterator
from time import monotonic

import regex

from backends.patterns import compiled
from backends.router.privacy.hit import Hit
from backends.router.privacy.window import Window

TIME_S = 0.25
"""For all patterns on one text; Python's own `re` cannot be stopped, `regex` can."""


class OperatorRules:
    """Words match whole and in any case; patterns as written."""

    def __init__(self, words: tuple[str, ...], patterns: tuple[str, ...]) -> None:
        """Raises WrongSettings for a pattern that does not compile, naming it."""
        wanted = [regex.escape(word.strip()) for word in words if word.strip()]
        self._words = regex.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", regex.IGNORECASE) if wanted else None
        self._patterns = [compiled(index, pattern) for index, pattern in enumerate(patterns)]

    def find(self, window: Window) -> Iterator[Hit]:
        """First word and first match of each pattern. Raises TimeoutError when the patterns' time is up."""
        text = window.text
        if self._words is not None and (match := self._words.search(text)) is not None:
            yield Hit("word", match.start(), match.end())
        ends = monotonic() + TIME_S
        for pattern in self._patterns:
            left = ends - monotonic()
            if left <= 0:
                raise TimeoutError
            match = pattern.search(text, timeout=left)
            if match is not None and match.end() > match.start():
                yield Hit("pattern", match.start(), match.end())
