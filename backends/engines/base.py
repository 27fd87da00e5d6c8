"""The seam to an engine: one verb, `stream`, and the few facts that cross it."""

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

from msgspec import Struct

from backends.types import EngineName, Message, ResponseFormat, Tokens, Tool, ToolCall


class Wire:
    """Has anything of a call gone out? Known also where whoever read it was cancelled; until an engine says, it has."""

    sent: bool = True


class Call(Struct, frozen=True, kw_only=True):
    """One upstream call, ready to send. Every call carries a cap on its output; durations are seconds.

    `logprobs` asks for the tokens' probabilities, of an engine that knows them. `wire` is told what goes out.
    """

    id: str
    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    response_format: ResponseFormat = ResponseFormat()
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    max_output: int
    thinking_budget: int | None = None
    input_tokens: int
    first_byte_s: float
    idle_s: float
    logprobs: bool = False
    wire: Wire | None = None


def kept_back(call: Call) -> Wire:
    """The call's wire, on which nothing has been sent yet; the first thing that an engine does."""
    wire = call.wire or Wire()
    wire.sent = False
    return wire


class Text(Struct, frozen=True):
    text: str


class ToolCalls(Struct, frozen=True):
    calls: tuple[ToolCall, ...]


class Usage(Struct, frozen=True):
    """The provider's own count, a running total: the last non-zero one holds."""

    tokens: Tokens


class Finished(Struct, frozen=True, kw_only=True):
    """A terminal reason from the engine, always the last thing it yields.

    `reason` is the engine's own word where `finish` is "blocked". `context_cut` is True where the engine's own count
    shows that it did not read the whole prompt. `load_s` is the time it spent loading the model, `confidence` the
    geometric mean of its tokens' probabilities; None is unknown.
    """

    finish: Literal["stop", "length", "blocked"]
    reason: str = ""
    context_cut: bool = False
    load_s: float | None = None
    confidence: float | None = None


EngineChunk = Text | ToolCalls | Usage | Finished


class Engine(Protocol):
    name: EngineName

    def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """Yield Text, ToolCalls and Usage as they come, then exactly one Finished.

        Raises EngineError for everything that goes wrong, a stream that ends without a terminal reason included (kind
        "cut"). Closing the generator or cancelling its reader closes the upstream connection at once, without
        waiting for the garbage collector. Never retries.
        """
        ...

    async def prepare(self) -> None:
        """Do ahead of the first call, in a thread, what it would wait for; calling it is never needed."""
        ...

    async def close(self) -> None:
        """Close the client and every connection it holds."""
        ...
