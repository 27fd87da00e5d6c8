"""What a body asks for, whatever its dialect: the one form that every reader returns."""

from msgspec import Struct

from backends.types import Message, ResponseFormat, Sampling, Tool


class DialectRequest(Struct, frozen=True, kw_only=True):
    """`model` is as the caller wrote it, `choices` how many answers it wants. `session` is the body's own name of its
    conversation, "" where it has none; `ignored` names fields that have no effect, `notes` says what was changed.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    choices: int = 1
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat = ResponseFormat()
    sampling: Sampling = Sampling()
    deadline_ms: float | None = None
    session: str = ""
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
