"""The interface of an engine: one verb, `stream`, questions about its health, and the types that cross it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from backends.catalogue import Model
from backends.types import Effort, EngineName, Message, ResponseFormat, RuntimeReading, Tokens, Tool, ToolCall


class SendState:
    """Whether anything of a call was sent, also where its reader was cancelled. True until an engine says otherwise."""

    sent: bool = True


class ExplicitCache(Struct, frozen=True):
    """Leave for a call to keep the beginning of its prompt at the provider, under a name and for a price.

    `owner` is the only agent that may read it, `seconds` how long it is kept, and longer while it is used. `make`: one
    may be made, where there is none, of what the first `messages` hold, about so many `tokens`; else only what is there
    is read.
    """

    owner: str
    seconds: int
    make: bool
    messages: int = 0
    tokens: int = 0


class Call(Struct, frozen=True, kw_only=True):
    """One upstream call, ready to send. Every call carries a cap on its output; durations are seconds.

    `input_tokens` is the estimated length of the prompt, `most_tokens` what it cannot exceed, `size` its bytes as
    off_loop.size_of counts them, or those of the whole that it is a part of; 0 where not counted.
    `effort` is how hard the caller wants the model to think, `thinking_budget` the tokens that are set aside for it.
    `logprobs` asks for the tokens' probabilities, where the engine has them. `send_state` records what was sent.
    `explicit_cache` is None where nothing of the prompt may be kept under a name.
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
    size: int = 0
    first_byte_s: float
    idle_s: float
    logprobs: bool = False
    send_state: SendState | None = None
    explicit_cache: ExplicitCache | None = None

    @property
    def most_output(self) -> int:
        """Tokens that the answer may take, thinking included."""
        return self.max_output + (self.thinking_budget or 0)


TOKEN_BYTES = 8
"""Upper bound of a token's length, runs of blanks and the like aside; four is typical."""

TIMES_CAP = 2
"""An answer is cut where it exceeds its cap by this factor."""


def answer_byte_limit(call: Call) -> int:
    """Bytes of text and tool calls after which an answer is cut: an engine that exceeds its cap may never stop."""
    return TIMES_CAP * TOKEN_BYTES * call.most_output


def mark_unsent(call: Call) -> SendState:
    """The call's send state, set to "nothing sent yet". An engine calls this first."""
    send_state = call.send_state or SendState()
    send_state.sent = False
    return send_state


class Text(Struct, frozen=True):
    """A piece of the answer. `signature` belongs to the thinking behind its text; it may come with an empty piece.

    `unread_call` is True for text that is meant as a tool call but cannot be parsed as one.
    """

    text: str
    signature: str | None = None
    unread_call: bool = False


class AnsweredBy(Struct, frozen=True):
    """The model that answers, as the provider names it."""

    model: str


class ToolCalls(Struct, frozen=True):
    calls: tuple[ToolCall, ...]


class Usage(Struct, frozen=True):
    """The provider's count, a running total: the last non-zero one counts. A side that was not reported is 0.

    `cached_known`: it says how much of the prompt came from its prefix cache, if only that it was nothing.
    """

    tokens: Tokens
    cached_known: bool = True


class Kept(Struct, frozen=True):
    """What a provider bills for an explicit cache beside the call itself: `written` tokens at the price of input, and
    `token_seconds` of storage. Said before it is asked for, at the most that it can be; the last one counts.
    """

    written: int = 0
    token_seconds: int = 0


class Finished(Struct, frozen=True, kw_only=True):
    """The finish reason from the engine, always the last chunk.

    `reason` is the engine's own word where `finish` is "blocked"; `notes` say what was mended in its answer.
    `context_cut` is True where the engine's own count shows that it did not read the whole prompt. `load_s` is the time
    that it spent loading the model, `prefill_s` the one for reading the prompt, `confidence` the geometric mean of the
    tokens' probabilities; None is unknown. `read_explicit`: the beginning of its prompt came from an explicit cache.
    """

    finish: Literal["stop", "length", "blocked"]
    reason: str = ""
    context_cut: bool = False
    load_s: float | None = None
    prefill_s: float | None = None
    confidence: float | None = None
    read_explicit: bool = False
    notes: tuple[str, ...] = ()


EngineChunk = Text | ToolCalls | Usage | Kept | AnsweredBy | Finished


class ServedModel(Struct, frozen=True, kw_only=True):
    """A model that a server lists. `digest` tells builds of one name apart, "" where the server has none; `size_b` are
    the bytes of its weights, None where that is not said.

    `relayed` is True where the server passes its prompts on to another machine.
    """

    name: str
    digest: str = ""
    size_b: int | None = None
    relayed: bool = False


class Inspection(Struct, frozen=True, kw_only=True):
    """What a server says of itself outside any call. `server` is its software, with the version where it has one.

    `model` is the model that was asked for, None where the server does not list it. `models` are the names of all that
    it lists, () for a server that describes one model at a time. `relayed` says whether prompts for the model are
    passed on to another machine, None where that is not known. `missing_model` is what to do where it is not there.
    `window` describes the model's context window where it follows from what the server says, else "", and `context` is
    its size in tokens, None where it is not known.
    """

    server: str
    model: ServedModel | None
    models: tuple[str, ...] = ()
    relayed: bool | None
    missing_model: str = ""
    window: str = ""
    context: int | None = None


class Engine(Protocol):
    """What answers calls."""

    name: EngineName

    def ignores(self, call: Call) -> tuple[str, ...]:
        """OpenAI's names of the settings in `call` that this engine and model cannot honour."""
        ...

    def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """Yield Text, ToolCalls, Usage and AnsweredBy as they come, then exactly one Finished.

        Raises EngineError for everything that goes wrong, a stream that ends without a terminal reason included (kind
        "cut"). Closing the generator or cancelling its reader closes the upstream connection at once, without
        waiting for the garbage collector. Never retries a call that the server may have begun to answer.
        """
        ...

    async def prepare(self) -> None:
        """Do the slow preparations of the first call ahead of it, in a thread. Optional."""
        ...

    async def close(self) -> None:
        """Close the client and all its connections."""
        ...


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a kind of engine can do with one model. `context` are the tokens that prompt and answer may have together,
    `max_output` the most that it writes, `min_output` what a prompt must leave room for. `window_known` is False while
    `context` is a guess, because its server has not described the model yet.

    `images` are the media types of images that it takes, `media` the kinds of files beside images. `forces_tools`: it
    can be held to a tool_choice that asks for a call. `thinking` are the catalogue's facts of a model that is told how
    hard to think, and `thinking_cap` the operator's cap on it; None where it is not told.
    """

    context: int
    window_known: bool = True
    max_output: int
    min_output: int = 1
    vision: bool
    images: frozenset[str]
    media: frozenset[str] = frozenset()
    forces_tools: bool = True
    thinking: Model | None = None
    thinking_cap: int | None = None


class EngineClient(Engine, Protocol):
    """An engine that can also be asked about its server, as the registry builds them."""

    @property
    def base_url(self) -> str:
        """The address of its server."""
        ...

    def capabilities(self, model: str) -> Capabilities:
        """What it can do with `model`, by what is known without asking the server."""
        ...

    async def learn_window(self, model: str) -> None:
        """Learn from the server what the window of `model` is, where that is not known yet; it then stays the same.

        Raises EngineError where the server does not answer.
        """
        ...

    async def status(self, at: datetime) -> RuntimeReading:
        """How the server is now, stamped with `at`. Answers within seconds and never raises."""
        ...

    async def inspect(self, model: str | None = None) -> Inspection:
        """What the server is and whether it has `model`, by default the configured one. Sends no prompt, costs nothing.

        Raises EngineError where the server cannot be reached, does not accept the key or is of another kind.
        """
        ...


@runtime_checkable
class LoadsModels(Protocol):
    """A client whose server loads models into memory, and out of it, when it is told to."""

    async def load(self, model: str, *, run: bool) -> None:
        """Load a model as the first call would; with `run` it writes one token, too. Raises EngineError."""
        ...

    async def unload(self, model: str) -> None:
        """Take it out of memory once no call uses it. Raises EngineError."""
        ...
