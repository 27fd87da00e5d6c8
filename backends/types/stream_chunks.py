"""The chunks of an answer: Routed, then Delta and Called in any number, then Done, always last."""

from msgspec import Struct

from backends.types.decision import Explanation
from backends.types.outcome import Outcome
from backends.types.request import ToolCall


class Routed(Struct, frozen=True, kw_only=True, tag=True):
    """The decision, before any text. A failover before the first token sends another one."""

    id: str
    explanation: Explanation


class Delta(Struct, frozen=True, tag=True):
    """A piece of the text; `signature`, which may come with an empty piece, is what `Message.signature` gives back."""

    text: str
    signature: str | None = None


class Called(Struct, frozen=True, tag=True):
    """Tool calls, complete, as the model asked for them."""

    calls: tuple[ToolCall, ...]


class Done(Struct, frozen=True, tag=True):
    """The end, sent after the ledger row is committed. A `finish` of "error" before any Delta is a plain failure."""

    outcome: Outcome


Chunk = Routed | Delta | Called | Done
