"""The seam to an engine: one verb, `stream`, and the few facts that cross it."""

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

from msgspec import Struct

from backends.types import Effort, EngineName, Message, ResponseFormat, Tokens, Tool, ToolCall


class Wire:
    """Has anything of a call gone out? Known also where whoever read it was cancelled; until an engine says, it has."""

    sent: bool = True


class Call(Struct, frozen=True, kw_only=True):
    """One upstream call, ready to send. Every call carries a cap on its output; durations are seconds.

    `input_tokens` is the estimate of the prompt's length, `most_tokens` what it cannot exceed; 0 where not counted.
    `effort` is the caller's own word on thinking, `thinking_budget` the room in tokens that is set aside for it.
    `logprobs` asks for the tokens' probabilities, of an engine that knows them. `wire` is told what goes out.
    """

    id: str
    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat = ResponseFormat()
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: tuple[tuple[str, float], ...] = ()
    seed: int | None = None
    stop: tuple[str, ...] = ()
    max_output: int
    effort: Effort | None = None
    thinking_budget: int | None = None
    input_tokens: int
    most_tokens: int = 0
    first_byte_s: float
    idle_s: float
    logprobs: bool = False
    wire: Wire | None = None

    @property
    def most_output(self) -> int:
        """Tokens that the answer may take, thinking included."""
        return self.max_output + (self.thinking_budget or 0)


TOKEN_BYTES = 8
"""What a token makes at the most, but for runs of blanks and the like; four is the usual."""

TIMES_CAP = 2
"""An answer is cut where it passes its cap so many times."""


def most_said(call: Call) -> int:
    """Bytes of text and tool calls after which an answer is cut: an engine that passes its cap may pass any."""
    return TIMES_CAP * TOKEN_BYTES * call.most_output


def kept_back(call: Call) -> Wire:
    """The call's wire, on which nothing has been sent yet; the first thing that an engine does."""
    wire = call.wire or Wire()
    wire.sent = False
    return wire


class Text(Struct, frozen=True):
    """A piece of the answer; `signature` seals the thinking that led to its text, and may come with an empty piece.

    `unread_call`: it is meant as a tool call, and cannot be read as one.
    """

    text: str
    signature: str | None = None
    unread_call: bool = False


class AnsweredBy(Struct, frozen=True):
    """The model that answers, by the provider's own word."""

    model: str


class ToolCalls(Struct, frozen=True):
    calls: tuple[ToolCall, ...]


class Usage(Struct, frozen=True):
    """The provider's own count, a running total: the last non-zero one holds. A side that it did not tell is 0."""

    tokens: Tokens


class Finished(Struct, frozen=True, kw_only=True):
    """A terminal reason from the engine, always the last thing it yields.

    `reason` is the engine's own word where `finish` is "blocked"; `notes` say what was mended in its answer.
    `context_cut` is True where the engine's own count shows that it did not read the whole prompt. `load_s` is the time
    it spent loading the model, `confidence` the geometric mean of its tokens' probabilities; None is unknown.
    """

    finish: Literal["stop", "length", "blocked"]
    reason: str = ""
    context_cut: bool = False
    load_s: float | None = None
    confidence: float | None = None
    notes: tuple[str, ...] = ()


EngineChunk = Text | ToolCalls | Usage | AnsweredBy | Finished


class Engine(Protocol):
    name: EngineName

    def ignores(self, call: Call) -> tuple[str, ...]:
        """The names, as OpenAI has them, of the settings in `call` that this engine and model cannot honour."""
        ...

    def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """Yield Text, ToolCalls, Usage and AnsweredBy as they come, then exactly one Finished.

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
