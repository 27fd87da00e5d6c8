"""What an answer needs besides a model: tools, vision, JSON, a long window, today's facts."""

import re

from backends.types import Need, Request
from backends.upstream.token_count import count_text

LONG = 16_000
"""Tokens of an ask from which a window counts as long."""

HEAD, TAIL = 800, 400
"""Characters read for words that name a need: an instruction names it, material merely contains it."""

JSON = re.compile(r"(?<![./\w])json(?:l| schema)?\b(?!\s+(?:files?|below|errors?|pars\w+|blob|response)\b)|\bschema\b")
TEMPLATE = re.compile(r"\b(?:return|reply|answer|output|respond|give|fill|produce)\b[^{\n]{0,40}\{\s*\"")
GIVEN = re.compile(r"\b(?:the|this|that|attach\w*|parse|read|load) (?:the )?jsonl?\b")
REQUEST = re.compile(r"\s*\{\s*\"[^\n]*\}(?:\s*(?:->|→)[^\n]*)?\s*", re.DOTALL)
"""A prompt that is one JSON object, or an object and an arrow: it expects JSON back."""

PAGES = re.compile(
    r"""(?x)
    \b (?: \d{2,4} | (?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)? | (?:a\ |two\ )?hundred )
    [ -] (?:pages?|seiten|páginas|pagine)\b
    | \b \d{2,4} k \ (?:tokens|words)\b
    | \b \d{2,3}[,.]?000 \ (?:tokens|words|wörter)\b
    | \b \d{1,3}[,.]?\d{3} [ -]lines?\b
    """
)
UNITS = ("page", "seite", "página", "pagine", "token", "word", "wörter", "line")
"""Every match of PAGES, which is slow to search for, has one of these."""

PAST = re.compile(
    r"\b(?:history|historical|historians?|origin\w*|invented|earliest|first use|ancient|1[0-8]\d\d|19[0-7]\d|"
    r"geschichte|ursprung|histoire|historia)\b"
)
NOW = re.compile(
    r"\b(?:latest|today|now|currently|at present|right now|this (?:week|month|year)|news|newest|up[- ]to[- ]date|"
    r"as of|still|aktuell\w*|heute|derzeit|actuel\w*|actual\w*|atual\w*|attual\w*|hoy|hoje|oggi)\b|最新|現在|今|आज|ताज़ा"
)
SEEN = ("photo", "image", "picture", "screenshot", "scan", "foto", "bild")
PICTURE = re.compile(
    r"\b(?:photo|image|picture|screenshot|scan|foto|bild)s?\b[^\n]{0,60}\b(?:attached|below|above|anbei|im anhang)"
    r"\b|\battached (?:photo|image|picture|screenshot|scan)|\b(?:in|on|of) (?:the|this) (?:photo|screenshot|picture)\b"
)
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
READING = re.compile(r"\d\s?(?:%|°|[cw]\b|ms\b|s\b|[kmgt]i?b\b|v\b|rpm\b|bar\b)|\d\.\d|[{|\n]")
"""A measured value, or a list of values: the prompt has the data to assess."""


def needs(request: Request, text: str, intent: str) -> frozenset[Need]:
    """Needs of a request that asks `text`. Tools that it declares may be called, which is no need of them, and a long
    envelope is none of a long window.
    """
    part = (text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}").lower()
    found: dict[Need, bool] = {
        "tools": request.must_call or intent == "tool-use" or (intent == "health-check" and not _measured(part)),
        "vision": _shown(request) or _pictured(part),
        "json": request.response_format.kind != "text" or _structured(part),
        "long-context": _long(text) or _paged(part),
        "fresh": _fresh(part, intent),
    }
    return frozenset(need for need, holds in found.items() if holds)


def _shown(request: Request) -> bool:
    """Are there files with the ask, or behind it?"""
    first = 0 if request.envelope is None else max(request.envelope.message, 0)
    return any(message.media for message in request.messages[first:])


def _long(text: str) -> bool:
    return len(text) > LONG and count_text(text) > LONG


def _measured(part: str) -> bool:
    """Does the prompt hold the readings itself, rather than ask for them?"""
    return READING.search(part) is not None or len(NUMBER.findall(part)) > 1


def _paged(part: str) -> bool:
    return any(unit in part for unit in UNITS) and PAGES.search(part) is not None


def _pictured(part: str) -> bool:
    return any(word in part for word in SEEN) and PICTURE.search(part) is not None


def _structured(part: str) -> bool:
    if ("json" in part or "schema" in part) and JSON.search(part) is not None:
        return GIVEN.search(part) is None
    if "{" not in part:
        return False
    if TEMPLATE.search(part) is not None:
        return True
    return part.lstrip().startswith("{") and REQUEST.fullmatch(part) is not None


def _fresh(part: str, intent: str) -> bool:
    """Research needs today's facts unless it asks for the past; a trend needs them where the prompt has no series."""
    if intent == "research":
        return PAST.search(part) is None or NOW.search(part) is not None
    return intent == "trend-analysis" and len(NUMBER.findall(part)) < 4 and part.count('"') < 4
