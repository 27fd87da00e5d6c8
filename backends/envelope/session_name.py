"""The name of a request's session: its client's own, else a hash of how the conversation begins."""

import re
from collections.abc import Callable, Iterator

from backends.types import Message, Request

LONGEST = 128
"""Characters of a client's own name that are kept; a longer one is hashed."""

READ = 65_536
"""Characters of the first ask that count."""

OPENING = 512
"""Characters of the system text that count. Further down stand memory files, which agents rewrite as they go."""

PLAIN = re.compile(rf"[!-*,-?A-~]{{1,{LONGEST}}}")
"""Printable, and no e-mail address or phone number with its country: a name is shown and stored."""

MOMENT = re.compile(r"\d{4}-\d\d-\d\d|\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\b|\b\d{10,13}\b")
"""Dates, times of day and Unix times, which a client may write anew into each request."""


def session_name(request: Request, key: Callable[[str], str]) -> str:
    """`key` hashes a text with a key of this install.

    A conversation is known by its agent, the opening of its system text and its first ask: later requests repeat them.
    Two conversations that begin alike share a name, as long as their clients give them none.
    """
    if PLAIN.fullmatch(request.session):
        return request.session
    if request.session:
        return key(f"{request.agent}\x1e{request.session}")[:16]
    system = next((message.text for message in request.messages if message.role == "system"), "")
    parts = (request.agent, system[:OPENING], _first_ask(request.messages)[:READ])
    return key(MOMENT.sub("", "\x1e".join(parts)))[:16]


def _first_ask(messages: tuple[Message, ...]) -> str:
    """The first user's text that is more than a block of markup, which some clients send ahead of every ask."""
    opening = list(_before_answers(messages))
    asked = (text for text in opening if not (text.startswith("<") and text.endswith(">")))
    return next(asked, opening[0] if opening else "")


def _before_answers(messages: tuple[Message, ...]) -> Iterator[str]:
    for message in messages:
        if message.role in ("assistant", "tool"):
            return
        if message.role == "user" and (text := message.text.strip()):
            yield text
