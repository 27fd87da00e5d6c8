"""What is asked: a prompt with all that belongs to it, in one form for every dialect."""

from typing import Any, Literal

from msgspec import Struct, field

from backends.types.names import Route, Source


class Image(Struct, frozen=True, kw_only=True):
    media_type: str
    data: bytes


class ToolCall(Struct, frozen=True, kw_only=True):
    """A model's wish to call a tool; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class Message(Struct, frozen=True, kw_only=True):
    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    seams: tuple[int, ...] = ()
    """Where in `text` each part begins that the caller sent apart, but for the first."""


class Tool(Struct, frozen=True, kw_only=True):
    """A function the model may call; `parameters` is a JSON schema object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """What the answer must parse as; a `schema` is a JSON schema object."""

    kind: Literal["text", "json", "schema"] = "text"
    schema: dict[str, Any] | None = None
    name: str = "answer"


class Sampling(Struct, frozen=True, kw_only=True):
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    thinking_budget: int | None = None


class Request(Struct, frozen=True, kw_only=True):
    """One prompt in canonical form, from any dialect. `model` names an engine's own model, or is None; `tag` is the
    caller's own word for what the cost belongs to. `cache` off neither looks a stored answer up nor keeps one;
    `refresh` only does not look it up. A `source` of "shadow" is claw's own second asking, which nobody waits for.
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
    response_format: ResponseFormat = ResponseFormat()
    sampling: Sampling = Sampling()
    deadline_s: float | None = None
    source: Source = "cli"
    tag: str | None = None
    refresh: bool = False
