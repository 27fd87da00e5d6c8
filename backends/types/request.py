"""A request: a prompt with all that belongs to it, in one form for every dialect.

Messages and what they contain cannot form cycles, so Python's garbage collector need not search them (`gc=False`): with
twenty thousand messages each search would delay all requests.
"""

from functools import cached_property
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from backends.types.envelope import Envelope
from backends.types.literals import Effort, Route, Source


class Media(Struct, frozen=True, kw_only=True, gc=False):
    """A file in a message: an image, a PDF or a recording, as its `media_type` says."""

    media_type: str
    data: bytes

    @property
    def is_image(self) -> bool:
        return self.media_type.startswith("image/")


class ToolCall(Struct, frozen=True, kw_only=True, gc=False):
    """A model's wish to call a tool; `arguments` is JSON text as the model wrote it.

    `signature` is the provider's sealed record of the thinking that led to it (Gemini's thoughtSignature, in base64),
    which it wants back with the call; None where there is none.
    """

    id: str
    name: str
    arguments: str
    signature: str | None = None


class Message(Struct, frozen=True, kw_only=True, gc=False):
    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    media: tuple[Media, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    seams: tuple[int, ...] = ()
    """Where in `text` each separate part of the caller's begins, except the first."""
    signature: str | None = None
    """The provider's sealed record of the thinking that led to `text`, as `ToolCall.signature`."""


class Tool(Struct, frozen=True, kw_only=True, dict=True):
    """A function the model may call; `parameters` is a JSON schema object, to be kept to the letter where `strict`."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    strict: bool | None = None

    @cached_property
    def schema_json(self) -> str:
        """The parameters as JSON, written once a tool. Raises UnicodeEncodeError for lone surrogates."""
        return msgspec.json.encode(self.parameters).decode()

    def __hash__(self) -> int:
        """Raises UnicodeEncodeError, as `schema_json`."""
        return hash((self.name, self.description, self.schema_json))


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """What the answer must parse as; a `schema` is a JSON schema object."""

    kind: Literal["text", "json", "schema"] = "text"
    schema: dict[str, Any] | None = None
    name: str = "answer"
    strict: bool | None = None


class Sampling(Struct, frozen=True, kw_only=True):
    """How an answer is to be made; None leaves it to the engine.

    `logit_bias` is (token id, bias) pairs of the engine's own tokenizer; `effort` is how hard the model is to think,
    `thinking_budget` how many tokens it may think at the most.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: tuple[tuple[str, float], ...] = ()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    effort: Effort | None = None
    thinking_budget: int | None = None


class Request(Struct, frozen=True, kw_only=True):
    """One prompt in canonical form, from any dialect. `model` names an engine's own model, or is None; `tag` is the
    caller's own word for what the cost belongs to. `cache` off neither looks a stored answer up nor keeps one;
    `refresh` only does not look it up. A `source` of "shadow" is a shadow request, which nobody waits for.

    `deadline_s` is how long its caller waits for the first byte, and later for the next one; `timeout_s` how long for
    the whole answer, where the caller limits that. `rules` are further agents whose rules bind it too. `ignored` names
    fields that have no effect, `notes` says what was repaired in it.

    `session` and `run` name the conversation and the run that it belongs to, "" where its caller names none, and
    `user_agent` the caller's program, as it says. `envelope` says which of its texts asks, once that has been read.
    """

    id: str
    agent: str = "default"
    messages: tuple[Message, ...]
    engine: Route = "auto"
    model: str | None = None
    sensitive: bool = False
    cache: bool = True
    tools: tuple[Tool, ...] = ()
    tool_choice: Literal["auto", "none", "required"] | str = "auto"
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat = ResponseFormat()
    sampling: Sampling = Sampling()
    deadline_s: float | None = None
    timeout_s: float | None = None
    source: Source = "cli"
    tag: str | None = None
    refresh: bool = False
    rules: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    session: str = ""
    run: str = ""
    user_agent: str = ""
    envelope: Envelope | None = None

    @property
    def watched(self) -> bool:
        """Does somebody sit before the answer?"""
        return self.source == "chat"

    @property
    def ask(self) -> str:
        """What is asked: the envelope's word where it has been read, else the last user's text, else all texts."""
        if self.envelope is not None:
            return self.envelope.ask
        spoken = (message.text for message in reversed(self.messages) if message.role == "user")
        last = next((text for text in spoken if text.strip()), None)
        return "\n".join(message.text for message in self.messages) if last is None else last

    @property
    def must_call(self) -> bool:
        """Does its tool_choice ask for a call?"""
        return bool(self.tools) and self.tool_choice not in ("auto", "none")

    @property
    def offered_tools(self) -> frozenset[str]:
        """The names of the tools that an answer may call."""
        return frozenset() if self.tool_choice == "none" else frozenset(tool.name for tool in self.tools)
