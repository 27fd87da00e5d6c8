"""The parts of texts that come again with every request: each is taken apart once."""

from backends.envelope import system_text, user_text
from backends.envelope.clients import Client
from backends.envelope.user_text import UserText
from backends.envelope.volatile import Mark
from backends.text_memory import TextMemory
from backends.types import Message

TEXTS = 1 << 15
"""Texts that are remembered: those of some hundred conversations; the memory's own bound is 32 MB."""


class RememberedParts:
    """By Python's hash of the text, which no other process can make: no text is kept. Safe to call from any thread."""

    def __init__(self) -> None:
        self._known = TextMemory[UserText](entries=TEXTS)

    def of_user(self, message: Message, client: Client, *, from_program: bool) -> UserText:
        """As `user_text.read`."""
        text = message.text
        key = (hash(text), len(text), message.seams, client.name, from_program)
        known = self._known.get(key)
        if known is None:
            known = user_text.read(text, message.seams, client, from_program=from_program)
            self._put(key, known)
        return known

    def of_system(self, message: Message) -> tuple[Mark, ...]:
        """As `system_text.marks`."""
        text = message.text
        key = (hash(text), len(text))
        known = self._known.get(key)
        if known is None:
            known = UserText(tuple(system_text.marks(text)), ())
            self._put(key, known)
        return known.marks

    def _put(self, key: tuple[object, ...], parts: UserText) -> None:
        self._known.put(key, parts, items=len(parts.marks) + len(parts.asks))
