"""What a provider's error quotes of the prompt, taken out of it, because errors are stored and shown in alerts."""

import re
from collections.abc import Iterable

from backends.engines.base import Call
from backends.errors import EngineError

LEFT_OUT = "…"
SHORTEST, LONGEST = 4, 4_000
"""Characters of what can be quoted, and of a provider's words that are kept."""
WINDOW, STEP = 16, 8
"""Every `STEP` characters so many are looked up in the prompt, so that each quote of 23 characters is found."""
QUOTED = re.compile(r"""(?<!\w)(['"`“‘«])([^'"`“”‘’«»\n]{4,400})['"`”’»]""")
TELLING = re.compile(r"[\d\s@]|.{16}")
"""A quoted word without any of these, such as 'user', is a term of the provider's API as well as of the prompt."""


def leave_out_prompt(error: EngineError, call: Call) -> None:
    """Take out of an error what it quotes of the call that failed."""
    arguments = (each.arguments for message in call.messages for each in message.tool_calls)
    texts = [text for text in (*(message.text for message in call.messages), *arguments) if len(text) >= SHORTEST]
    error.args = (without(str(error), texts, call.model),)
    error.words = without(error.words, texts, call.model)
    error.short = without(error.short, texts, call.model)


def without(words: str, texts: Iterable[str], model: str = "") -> str:
    """`words` with `…` for each stretch that stands in one of the texts, and for short ones in quotation marks."""
    words = words[:LONGEST]
    for text in texts:
        words = _without_long(words, text)
        words = QUOTED.sub(lambda found, text=text: _hidden(found, text, model), words)  # type: ignore[misc]
    return words


def _hidden(found: re.Match[str], text: str, model: str) -> str:
    phrase = found[2]
    if phrase != model and TELLING.search(phrase) and phrase in text:
        return f"{found[1]}{LEFT_OUT}{found[0][-1]}"
    return found[0]


def _without_long(words: str, text: str) -> str:
    at = 0
    while at + WINDOW <= len(words):
        place = text.find(words[at : at + WINDOW])
        if place < 0:
            at += STEP
            continue
        start, end = at, at + WINDOW
        before, after = place - 1, place + WINDOW
        while start > 0 and before >= 0 and words[start - 1] == text[before]:
            start, before = start - 1, before - 1
        while end < len(words) and after < len(text) and words[end] == text[after]:
            end, after = end + 1, after + 1
        words = words[:start] + LEFT_OUT + words[end:]
        at = start + len(LEFT_OUT)
    return words
