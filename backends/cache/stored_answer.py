"""A stored answer: how it is kept, how a hit is explained, and how its text is streamed again."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.types import EngineName, Finish, Reason, Tokens, ToolCall

ID_DIGITS = (
    12  # hex digits of a key that name an entry to a person: 48 bits, 2e-5 for two that share an id among 100,000
)
PIECE = 64  # characters, about; an answer of a screen is some twenty pieces
TOKEN = 4  # characters, about
MINUTE, HOUR, DAY = 60, 3600, 86_400


class StoredAnswer(Struct, frozen=True, kw_only=True):
    """An answer, which engine gave it, and what it cost then. `request_id` is the first request that it answered."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    engine: EngineName
    model: str
    finish: Finish
    tokens: Tokens
    intent: str
    complexity: float
    baseline_usd: Decimal
    cost_usd: Decimal
    stored_at: datetime
    request_id: str = ""


class StoredEntry(Struct, frozen=True, kw_only=True):
    """A row of the cache. `question` is the last user message that it answers; times are Unix seconds; `size` is bytes
    on disk.

    Encrypted entries are stored under the key of this install and have no vector.
    """

    key: bytes
    partition: bytes
    agent: str
    question: str
    stored: StoredAnswer
    stored_at: float
    expires_at: float
    size: int
    hits: int = 0
    encrypted: bool = False


class CacheHit(Struct, frozen=True, kw_only=True):
    """A stored answer that serves a request.

    `similarity` and `score` are None for an exact hit. `entry` is the entry's id, `agent` the agent that asked first.
    """

    tier: Literal["exact", "semantic"]
    stored: StoredAnswer
    age_s: float
    similarity: float | None = None
    score: float | None = None
    entry: str = ""
    agent: str = ""

    def reasons(self) -> tuple[Reason, ...]:
        """For a decision's reasons: the tier and what it saved; the entry, its age, and its first request."""
        similarity = "" if self.similarity is None else f", similarity {self.similarity:.2f}"
        asker = f", asked by {self.agent}" if self.agent else ""
        first = f", in {self.stored.request_id}" if self.stored.request_id else ""
        return (
            Reason(rule="cache", detail=f"{self.tier}{similarity}, saved ${self.stored.baseline_usd:f}"),
            Reason(rule="cache entry", detail=f"{self.entry}, {age(self.age_s)} old{asker}{first}"),
        )


def entry_id(key: bytes) -> str:
    """The id that names the entry with this key to a person."""
    return key[: ID_DIGITS // 2].hex()


def age(seconds: float) -> str:
    """ "12 s", "3 min", "5 h" or "40 d"."""
    for size, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {name}"
    return f"{int(seconds)} s"


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    """Whole words of `text` in pieces of `size` characters or slightly more; joined, they are `text`."""
    held = ""
    for word in re.findall(r"\S*\s*", text):
        held += word
        if len(held) >= size:
            yield held
            held = ""
    if held:
        yield held


async def streamed(text: str, *, tokens_per_s: float, within_s: float) -> AsyncGenerator[str]:
    """The pieces of `text` at this pace, or at once where `tokens_per_s` is 0.

    A pace that would take longer than `within_s` seconds is raised.
    """
    if not tokens_per_s:
        for piece in pieces(text):
            yield piece
        return
    pause_s = 1 / max(tokens_per_s, len(text) / TOKEN / max(0.001, within_s))
    for piece in pieces(text, TOKEN):
        await asyncio.sleep(pause_s * len(piece) / TOKEN)
        yield piece
