"""The same private values again, where nothing around them gives them away: a password's second mention."""

import re
from collections.abc import Iterator, Mapping

from backends.privacy.hit import Hit

LEAST = 4
"""Characters; what is shorter stands in too many other words."""

HEAD = re.compile(r"\w+|[^\w\s]")


class Repeated:
    """Finds values, given with their kinds, as whole words. Linear in the text, however many values there are."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._by_head: dict[str, list[str]] = {}
        for value in kinds:
            head = HEAD.match(value)
            if head is not None and len(value) >= LEAST:
                self._by_head.setdefault(head[0], []).append(value)

    def find(self, text: str) -> Iterator[Hit]:
        """Each place of each value, in no order within one place."""
        for head in HEAD.finditer(text) if self._by_head else ():
            for value in self._by_head.get(head[0], ()):
                end = head.start() + len(value)
                if text.startswith(value, head.start()) and not (value[-1].isalnum() and text[end : end + 1].isalnum()):
                    yield Hit(self._kinds[value], head.start(), end)
