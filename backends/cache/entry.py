"""An answer as the cache keeps and hands it out."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.types import EngineName, Finish, Tokens, ToolCall


class Stored(Struct, frozen=True, kw_only=True):
    """An answer, where it came from and what it cost then."""

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


class Hit(Struct, frozen=True, kw_only=True):
    """`similarity` is the cosine of the two questions, None for an exact hit."""

    tier: Literal["exact", "semantic"]
    stored: Stored
    age_s: float
    similarity: float | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """A row: `question` is the last user message it answers; times are Unix seconds; `size` is bytes on disk."""

    key: bytes
    partition: bytes
    agent: str
    question: str
    stored: Stored
    stored_at: float
    expires_at: float
    size: int
    hits: int = 0
