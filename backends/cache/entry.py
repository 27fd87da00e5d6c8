"""An answer as the cache keeps and hands it out."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.types import EngineName, Finish, Tokens, ToolCall

ID_DIGITS = 12  # hex digits of a key that name an entry to a person: 48 bits, 2e-5 for two alike among 100,000


class Stored(Struct, frozen=True, kw_only=True):
    """An answer, where it came from and what it cost then; `request_id` is the request that it was given to first."""

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


class Hit(Struct, frozen=True, kw_only=True):
    """`similarity` and `score` are None for an exact hit; `entry` and `agent` say which entry it is, and whose."""

    tier: Literal["exact", "semantic"]
    stored: Stored
    age_s: float
    similarity: float | None = None
    score: float | None = None
    entry: str = ""
    agent: str = ""


class Entry(Struct, frozen=True, kw_only=True):
    """A row: `question` is the last user message it answers; times are Unix seconds; `size` is bytes on disk.

    `encrypted` ones are stored under the install's key and have no vector.
    """

    key: bytes
    partition: bytes
    agent: str
    question: str
    stored: Stored
    stored_at: float
    expires_at: float
    size: int
    hits: int = 0
    encrypted: bool = False


def entry_id(key: bytes) -> str:
    """The name of the entry with this key."""
    return key[: ID_DIGITS // 2].hex()
