"""Sessions: requests that share a conversation; and requests that were refused before any engine was called."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from backends.types.cache_stats import PrefixUse
from backends.types.literals import ZERO, EngineName, Zone


class SessionState(Struct, frozen=True, kw_only=True):
    """One agent's session since the core started, as the console lists it.

    `turns` are its requests, `asks` those that did not go on with a tool's result. `engine`, `zone` and `model`
    answered last. `context_tokens` is the last prompt's length, `window` the room that the model has for it, None where
    either is not known. `prefix` says how much of its input the engines' prefix caches had. `paused` says in a phrase
    why it is paused, "" where it is not.
    """

    id: str
    agent: str
    client: str = ""
    run: str = ""
    started_at: datetime
    last_at: datetime
    turns: int = 0
    asks: int = 0
    in_flight: int = 0
    engine: EngineName | None = None
    zone: Zone | None = None
    model: str = ""
    engines: tuple[EngineName, ...] = ()
    context_tokens: int | None = None
    window: int | None = None
    input_tokens: int = 0
    cached_input_tokens: int = 0
    prefix: PrefixUse = PrefixUse()
    output_tokens: int = 0
    cost_usd: Decimal = ZERO
    baseline_usd: Decimal = ZERO
    paused: str = ""


class RefusalCount(Struct, frozen=True, kw_only=True):
    """Requests of one agent that were refused before any engine was called, for one reason (an error's `kind`).

    `message` is the last one's error.
    """

    agent: str
    reason: str
    count: int
    last_at: datetime
    message: str = ""
