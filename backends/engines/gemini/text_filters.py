"""Filters for a streamed answer: stop words beyond those that Gemini takes, and a code fence around the text."""

import re
from collections.abc import Sequence

FENCE_OPENS = re.compile(r"\s*```[A-Za-z]{0,10}[ \t]*\n")
MAY_OPEN = re.compile(r"\s*(`{0,2}|```[A-Za-z]{0,10}[ \t]*)")
FENCE_CLOSES = re.compile(r"\n?[ \t]*```\s*")
MAY_CLOSE = re.compile(r"(\n[ \t]*)?`{0,3}\s*\Z")
HOLDS = 64  # characters; a tail of blanks beyond it closes nothing


class StopWords:
    """Holds back what may be the beginning of a stop word. `cut` is True once one was found: the answer ends there."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = [word for word in words if word]
        self._held = ""
        self.cut = False

    def feed(self, text: str) -> str:
        """The text that may be passed on by now."""
        if not self._words:
            return text
        if self.cut:
            return ""
        text = self._held + text
        ends = [at for word in self._words if (at := text.find(word)) >= 0]
        if ends:
            self.cut, self._held = True, ""
            return text[: min(ends)]
        keep = max((_begun(text, word) for word in self._words), default=0)
        passed, self._held = text[: len(text) - keep], text[len(text) - keep :]
        return passed

    def rest(self) -> str:
        """The text that was held back, at the end."""
        held, self._held = self._held, ""
        return held


class Unfenced:
    """Leaves out a code fence around the whole text, where one is not wanted."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._held = ""
        self._began = not wanted
        self._found = False

    def feed(self, text: str) -> str:
        """The text that may be passed on by now."""
        if not self._wanted:
            return text
        text = self._held + text
        self._held = ""
        if not self._began:
            if opened := FENCE_OPENS.match(text):
                self._found, text = True, text[opened.end() :]
            elif MAY_OPEN.fullmatch(text) and len(text) < HOLDS:
                self._held = text
                return ""
            self._began = True
        if not self._found:
            return text
        tail = MAY_CLOSE.search(text, max(0, len(text) - HOLDS))
        end = tail.start() if tail else len(text)
        self._held = text[end:]
        return text[:end]

    def rest(self) -> str:
        """The text that was held back, at the end, without the closing fence."""
        held, self._held = self._held, ""
        return "" if self._found and FENCE_CLOSES.fullmatch(held) else held


def _begun(text: str, word: str) -> int:
    """How many characters at the end of `text` are the beginning of `word`."""
    at = max(0, len(text) - len(word) + 1)
    while (at := text.find(word[0], at)) >= 0:
        if word.startswith(text[at:]):
            return len(text) - at
        at += 1
    return 0
