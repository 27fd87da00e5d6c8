"""Scripted answers in place of a model: plausible, and always the same for the same prompt.

A token here is up to eight letters or digits, or two other characters, with the white space before it, which makes .97
to 1.07 of Qwen 2.5's own count on agents' bodies and sessions. Counting a text and cutting it into tokens is the same
rule, so counts add up exactly. A message costs four tokens more, and an image 258 for each of its tiles.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from hashlib import blake2b
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct

from backends.rehearsal.canned_text import canned_text
from backends.rehearsal.schema_sample import sample

TOKEN = re.compile(r"\s*[^\W_]{1,8}|\s*[^\w\s]{1,2}|\s*\S|\s+")
MESSAGE_TOKENS = 4
IMAGE_TOKENS = 258
ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}


class Turn(Struct, frozen=True):
    role: str
    text: str
    tiles: int = 0
    """Of its images: one each, or as many as the protocol counts."""


def spoken(text: str, calls: Any) -> str:
    """A turn's text as chat templates write it: with the calls it makes, each as JSON."""
    functions = [call.get("function") for call in calls or () if isinstance(call, dict)]
    written = [msgspec.json.encode(function).decode() for function in functions if function]
    return "\n".join(each for each in (text, *written) if each)


class ToolSpec(Struct, frozen=True):
    """A tool the model may call; `schema` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]


class ScriptedRequest(Struct, frozen=True, kw_only=True):
    """One prompt, independent of the protocol. `schema` asks for JSON; an empty one for any JSON object."""

    turns: tuple[Turn, ...]
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    tools: tuple[ToolSpec, ...] = ()
    must_call: bool = False
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None

    @property
    def prompt(self) -> str:
        """The last turn that a person wrote."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")


class ToolInvocation(Struct, frozen=True):
    """A tool called."""

    name: str
    arguments: dict[str, Any]


class AnswerEnd(Struct, frozen=True, kw_only=True):
    """The end of an answer, always last."""

    input: int
    output: int
    finish: Literal["stop", "length"]


class RequestRejected(Exception):
    """The real server would answer `status` with this text."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class RunnerDied(Exception):
    """The process that wrote the answer ended; `str()` says how."""


class Answerer(Protocol):
    """What writes the answers behind a twin: this script, or a real model."""

    def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        """Yield text token by token, and AnswerEnd last; closing it ends the work behind it. Raises RunnerDied."""
        ...


class ScriptedAnswerer:
    """The answerer without a model."""

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        spent = count_prompt(ask)
        if call := tool_to_call(ask):
            yield call
            yield AnswerEnd(input=spent, output=count(msgspec.json.encode(call.arguments).decode()) + 8, finish="stop")
            return
        tokens = cut(written(ask))
        for token in tokens[: ask.max_tokens]:
            yield token
        full = ask.max_tokens is None or len(tokens) <= ask.max_tokens
        yield AnswerEnd(input=spent, output=len(tokens[: ask.max_tokens]), finish="stop" if full else "length")


def cut(text: str) -> list[str]:
    """The text's tokens; joined they are the text."""
    return TOKEN.findall(text)


def count(text: str) -> int:
    return sum(1 for _ in TOKEN.finditer(text))


def count_prompt(ask: ScriptedRequest) -> int:
    """Tokens of the whole prompt, tools included."""
    turns = sum(count(turn.text) + MESSAGE_TOKENS + IMAGE_TOKENS * turn.tiles for turn in ask.turns)
    tools = sum(
        count(tool.name + tool.description) + count(msgspec.json.encode(tool.schema).decode()) for tool in ask.tools
    )
    return turns + tools


def dice(text: str) -> Iterator[int]:
    """Endless numbers that depend on the text alone."""
    round_ = 0
    while True:
        yield from blake2b(f"{round_}\0{text}".encode(errors="surrogatepass"), digest_size=64).digest()
        round_ += 1


def written(ask: ScriptedRequest) -> str:
    """The whole answer's text, up to a stop word."""
    text = _json(ask) if ask.schema is not None else canned_text(ask.prompt, dice(ask.prompt))
    ends = [at for word in ask.stop if word and (at := text.find(word)) >= 0]
    return text[: min(ends)] if ends else text


def tool_to_call(ask: ScriptedRequest) -> ToolInvocation | None:
    """The tool this prompt calls for: one whose name has a word of the prompt; none after a tool's result, whatever the
    caller's program says behind it.

    A caller that insists on a call gets one every time, after a result too, as with Gemini's mode ANY.
    """
    if not ask.tools or (_has_result(ask) and not ask.must_call):
        return None
    words = set(re.findall(r"[a-z]{3,}", ask.prompt.lower()))
    for tool in ask.tools:
        if words & set(re.findall(r"[a-z]{3,}", tool.name.lower().replace("_", " "))):
            return ToolInvocation(tool.name, _arguments(tool, ask.prompt))
    return ToolInvocation(ask.tools[0].name, _arguments(ask.tools[0], ask.prompt)) if ask.must_call else None


def _has_result(ask: ScriptedRequest) -> bool:
    """Does a tool's result stand behind the model's last turn?"""
    for turn in reversed(ask.turns):
        if turn.role in ("tool", "assistant"):
            return turn.role == "tool"
    return False


def _arguments(tool: ToolSpec, prompt: str) -> dict[str, Any]:
    value = sample(tool.schema or {"type": "object"}, dice(tool.name + prompt))
    return value if isinstance(value, dict) else {}


def _json(ask: ScriptedRequest) -> str:
    schema = ask.schema or ANY_OBJECT
    return msgspec.json.encode(sample(schema, dice(ask.prompt))).decode()
