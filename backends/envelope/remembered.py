"""The parts of long texts that come again with every request: a system prompt is taken apart once."""

from threading import Lock

from backends.envelope import system_text, user_text
from backends.envelope.clients import Client
from backends.envelope.user_text import UserText
from backends.envelope.volatile import Mark
from backends.lru import LruDict
from backends.types import Message

TEXTS, FROM, MARKS = 2_048, 1_000, 256
"""Texts that are remembered, from how many characters on, and up to how many parts: at the most 60 MB, of which some
hundred kilobytes are usual. The least lately used leave first.
"""


class RememberedParts:
    """By Python's hash of the text, which no other process can make: no text is kept. Safe to call from any thread."""

    def __init__(self) -> None:
        self._known = LruDict[tuple[object, ...], UserText](TEXTS)
        self._lock = Lock()

    def of_user(self, message: Message, client: Client, *, from_program: bool) -> UserText:
        """As `user_text.read`."""
        text = message.text
        if len(text) < FROM:
            return user_text.read(text, message.seams, client, from_program=from_program)
        key = (hash(text), len(text), message.seams, client.name, from_program)
        known = self._get(key)
        if known is None:
            known = user_text.read(text, message.seams, client, from_program=from_program)
            self._put(key, known)
        return known

    def of_system(self, message: Message) -> tuple[Mark, ...]:
        """As `system_text.marks`."""
        text = message.text
        key = (hash(text), len(text))
        known = self._get(key)
        if known is None:
            known = UserText(tuple(system_text.marks(text)), ())
            self._put(key, known)
        return known.marks

    def _get(self, key: tuple[object, ...]) -> UserText | None:
        with self._lock:
            return self._known.use(key)

    def _put(self, key: tuple[object, ...], parts: UserText) -> None:
        if len(parts.marks) + len(parts.asks) > MARKS:
            return
        with self._lock:
            self._known.put(key, parts)
