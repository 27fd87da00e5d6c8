"""The names of a request's session and run: its client's own, as they may be shown and stored.

A session without one is known by how its conversation begins.
"""

import re
from collections.abc import Callable

from backends.envelope.clients import Client, recognise
from backends.types import Request

LONGEST = 128
"""Characters of a client's own name that are kept; a longer one is hashed."""

HASH = 16
"""Characters of a hash that stands for a name."""

READ = 65_536
"""Characters of the first ask that count."""

OPENING = 512
"""Characters of the system text that count. Further down stand memory files, which agents rewrite as they go."""

PLAIN = re.compile(rf"[!-*,-?A-~]{{1,{LONGEST}}}")
"""Printable, and no e-mail address or phone number with its country: a name is shown and stored."""

NUMBER = re.compile(r"(?<![A-Za-z0-9.-])\d{9,}(?![A-Za-z0-9.-])|(?<![A-Za-z0-9])[A-Z]{2}\d{13,}")
"""Somebody's number, such as that of a phone, by which chat programs name conversations; a time looks the same."""

EXAMPLES = 16
"""Messages among which a client's examples end."""

MOMENT = re.compile(r"\d{4}-\d\d-\d\d|\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\b|\b\d{10,13}\b")
"""Dates, times of day and Unix times, which a client may write anew into each request."""


def session_name(request: Request, key: Callable[[str], str]) -> str:
    """`key` hashes a text with a key of this install.

    A conversation is known by its agent, the opening of its system text and its first ask: later requests repeat them.
    Two conversations that begin alike share a name, as long as their clients give them none.
    """
    if request.session:
        shortened = recognise(request).shortened
        own = shortened.sub("", request.session) if shortened is not None else request.session
        return _safe(own or request.session, key, request.agent)
    system = next((message.text for message in request.messages if message.role == "system"), "")
    parts = (request.agent, system[:OPENING], _first_ask(request)[:READ])
    return key(MOMENT.sub("", "\x1e".join(parts)))[:HASH]


def run_name(request: Request, key: Callable[[str], str]) -> str:
    """`key` as for `session_name`; "" where the client names no run. A run may have several agents."""
    return _safe(request.run, key) if request.run else ""


def _safe(name: str, key: Callable[[str], str], *whose: str) -> str:
    """A client's own name, or a hash of it where it is long or may hold private text."""
    kept = PLAIN.fullmatch(name) and not NUMBER.search(name)
    return name if kept else key("\x1e".join((*whose, name)))[:HASH]


def _first_ask(request: Request) -> str:
    """The first user's text that is more than a block of markup, which some clients send ahead of every ask. A client's
    examples, and its words about its surroundings, are skipped with what the model has answered to them; what it puts
    behind the newest ask alone is left out.
    """
    client = recognise(request)
    opening = ""
    for message in request.messages[_after_examples(request, client) :]:
        if message.role in ("assistant", "tool") and opening:
            break
        text = message.text.strip() if message.role == "user" else ""
        if not text or (client.head is not None and client.head.fullmatch(text)):
            continue
        if not (text.startswith("<") and text.endswith(">")):
            tail = client.tail.search(text) if client.tail is not None else None
            return text[: tail.start()].rstrip() if tail else text
        opening = opening or text
    return opening


def _after_examples(request: Request, client: Client) -> int:
    """The place of the message behind a client's examples, 0 where it sends none."""
    if not client.examples:
        return 0
    opening = enumerate(request.messages[:EXAMPLES])
    ends = (at for at, each in opening if each.role == "user" and each.text.startswith(client.examples))
    return next(ends, -1) + 1
