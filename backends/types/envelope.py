"""What surrounds the ask in a request: an agent's harness, its memory, the history, results of tools."""

from typing import Literal

from msgspec import Struct, field

SpanKind = Literal[
    "ask",
    "system",
    "memory",
    "environment",
    "harness",
    "reminder",
    "timestamp",
    "runtime",
    "history",
    "tool-result",
    "tools",
]

VOLATILE: frozenset[SpanKind] = frozenset({"timestamp", "runtime"})
"""Kinds that are different in each request and change no answer: times, session ids, lines about the process."""

OUTSIDE = -1
"""The index of a span's message where it belongs to none, as declared tools do."""


class Span(Struct, frozen=True, kw_only=True, gc=False):
    """A stretch of one message's text, by character offsets; of declared tools `end` is their length."""

    kind: SpanKind
    message: int
    start: int
    end: int

    @property
    def characters(self) -> int:
        return self.end - self.start


class Envelope(Struct, frozen=True, kw_only=True):
    """How a request is made up. `ask` is the text that asks, which `message` has, OUTSIDE where there is none.

    `unproved` is the text around it that looks like a program's, and of which nothing else shows that it is.
    `continues`: the last message is a tool's result, so the ask before it goes on. `client` names the program that
    sent it, "" where that is not known. `spans` cover all texts, in their order; a stretch that is in none is of the
    kind "history" where it stands before the ask. `parts` are the characters of each kind, the largest first.
    """

    ask: str
    unproved: str = ""
    message: int = OUTSIDE
    spans: tuple[Span, ...] = ()
    continues: bool = False
    client: str = ""
    parts: dict[str, int] = field(default_factory=dict)

    def volatile(self, message: int) -> tuple[Span, ...]:
        """The stretches of one message that are different in each request."""
        return tuple(span for span in self.spans if span.message == message and span.kind in VOLATILE)
