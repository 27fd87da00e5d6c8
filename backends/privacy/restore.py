"""Placeholders in an answer replaced by their values, also where a stream cuts them in two.

Small changes of case, brackets, blanks, emphasis and escapes, as models make them, are accepted. A placeholder that was
never given out stays as it is, and is counted.
"""

import json
import re

from msgspec.structs import replace

from backends.privacy.placeholders import CLOSING, OPENING, PLACEHOLDER, Name, named
from backends.privacy.redact import Values
from backends.types import ToolCall

UNFINISHED = re.compile(
    rf"(?:{OPENING}){{1,2}}[A-Za-z0-9_\-\s\\*`]{{0,34}}(?:{CLOSING})?\\?\Z|"
    r"\\\Z|(?<![\w\[])[A-Z_]{1,12}\\?_?[0-9]{0,7}\Z"
)
"""The end of a text that may be the beginning of a placeholder, or of its last bracket."""

LONGEST = 48
"""Characters of a placeholder, with all that models put into it."""


class Restorer:
    """Takes the answer as it streams; without values it changes and holds back nothing."""

    def __init__(self, values: Values | None) -> None:
        self._values = values.by_name if values is not None else {}
        self._before = ""  # the character before what is held: inside of a word nothing is a placeholder
        self._held = ""
        self._unknown: set[Name] = set()

    @property
    def unknown(self) -> int:
        """Placeholders in the answer so far that were never given out: a model invents some. At most as many as an
        answer has room for.
        """
        return len(self._unknown)

    def feed(self, text: str) -> str:
        """The text that can be shown by now."""
        if not self._values:
            return text
        begun = len(self._before)
        text = f"{self._before}{self._held}{text}"
        unfinished = UNFINISHED.search(text, max(begun, len(text) - LONGEST))
        end = unfinished.start() if unfinished is not None else len(text)
        self._before, self._held = text[max(0, end - 1) : end], text[end:]
        return self._restored(text[:end], begun)

    def rest(self) -> str:
        """What was held back, at the end of the text."""
        whole, begun = self._before + self._held, len(self._before)
        self._before = self._held = ""
        return self._restored(whole, begun)

    def calls(self, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        """Tool calls with the values in their arguments, escaped for JSON."""
        if not self._values:
            return calls
        return tuple(replace(call, arguments=self._restored(call.arguments, in_json=True)) for call in calls)

    def _restored(self, text: str, begun: int = 0, *, in_json: bool = False) -> str:
        """`text` from `begun` on; what is before it is only read."""

        def value(match: re.Match[str]) -> str:
            found = self._values.get(named(match))
            if found is None:
                if match["label"]:
                    self._unknown.add(named(match))
                return match[0]
            return json.dumps(found, ensure_ascii=False)[1:-1] if in_json else found

        out: list[str] = []
        for match in PLACEHOLDER.finditer(text, begun):
            out += (text[begun : match.start()], value(match))
            begun = match.end()
        return "".join((*out, text[begun:]))
