"""What an answer takes besides a model: tools, eyes, JSON, a long window, today's facts."""

import re

from backends.types import Need, Request

LONG = 16_000
"""Tokens from which a window counts as long."""

JSON = re.compile(r"(?i)\bjsonl?\b|\bschema\b")
PAGES = re.compile(r"(?i)\b\d{2,4}[ -](?:pages?|seiten)\b|\b\d{2,4}k tokens\b")
FRESH = re.compile(
    r"(?i)\b(?:latest|today|currently|current (?:price|version|licen[cs]e|law|rules?)|right now|"
    r"this (?:week|month|year)|news|newest|up[- ]to[- ]date|still maintained|as of|20(?:2[5-9]|3\d)|"
    r"aktuell\w*|heute|actuel\w*|actual\w*|atual\w*|attual\w*)\b|最新|現在|ताज़ा"
)
PICTURE = re.compile(
    r"(?i)\b(?:photo|image|picture|screenshot|scan|foto|bild)s?\b[^.\n]{0,40}\b(?:attached|below|above|anbei|im anhang)"
    r"\b|\battached (?:photo|image|picture|screenshot|scan)"
)


def needs(request: Request, text: str, intent: str, count: int) -> frozenset[Need]:
    """Needs of a request whose instruction is `text`, and whose prompt has `count` tokens."""
    part = text[:8_000]
    found: dict[Need, bool] = {
        "tools": bool(request.tools) or intent == "tool-use",
        "vision": any(message.images for message in request.messages) or PICTURE.search(part) is not None,
        "json": request.response_format.kind != "text" or JSON.search(part) is not None,
        "long-context": count > LONG or PAGES.search(part) is not None,
        "fresh": intent in ("research", "trend-analysis") and FRESH.search(part) is not None,
    }
    return frozenset(need for need, holds in found.items() if holds)
