"""What an engine has read of a session stays the beginning of what it is sent next, so that its prefix cache hits.

Generated sessions grow turn by turn, as agents' programs send them: tool loops with calls side by side, results that
are JSON, text or missing, ids that repeat, later instructions, a block of the program's own that is always last. The
bodies that the twins received are the witness.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from backends.identity import new_id
from backends.rehearsal.openai_twin import OpenAITwin
from backends.rehearsal.twin import Twin
from backends.settings.engines import OpenAISettings
from backends.settings.model import Settings
from backends.types import Called, Delta, Done, Message, Request, Tool, ToolCall
from tests.core import chunks, policy, stand

TOOLS = tuple(
    Tool(name=name, parameters={"type": "object", "properties": {"city": {"type": "string"}}})
    for name in ("get_weather", "3d_print")
)
ENGINES = ("gemini", "ollama", "openai")


class Turn(Struct, frozen=True, kw_only=True):
    """What a program adds in one turn before it asks again. `block` is what it puts last and takes away again."""

    text: str
    instruction: str = ""
    block: str = ""
    calls: tuple[tuple[str, str, str | None], ...] = ()
    said: str = ""


words = st.sampled_from(
    (
        "Weather in Graz",
        "Print it",
        "ok",
        "Thanks!",
        "write to maria.kowalska@wp.pl",
        "line 4539 of phone 7",
        " ",
        "née ☂",
    )
)
calls = st.tuples(
    st.sampled_from(("call_1", "call_2", "", "call_1_again1")),
    st.sampled_from(('{"city": "Graz"}', "{}", "", "no json", "[1]")),
    st.sampled_from(('{"t": 12}', "12 C", "", "[]", None)),
)
turns = st.lists(
    st.builds(
        Turn,
        text=words,
        instruction=st.sampled_from(("", "", "Be kind.", "Now in French.")),
        block=st.sampled_from(("", "[no jobs]", "[one job]")),
        calls=st.lists(calls, max_size=2).map(tuple),
        said=words,
    ),
    min_size=2,
    max_size=5,
)


def requests(session: list[Turn]) -> Iterator[tuple[tuple[Message, ...], tuple[Message, ...]]]:
    """The messages of each request: what stays, and what is there for this one only."""
    history = [Message(role="system", text="You are a helper."), Message(role="system", text="Be brief.")]
    for number, turn in enumerate(session):
        if turn.instruction:
            history.append(Message(role="system", text=turn.instruction))
        history.append(Message(role="user", text=turn.text if turn.text.strip() else f"Turn {number}"))
        behind = (Message(role="user", text=turn.block),) if turn.block else ()
        yield tuple(history), behind
        if turn.calls:
            made = tuple(ToolCall(id=id, name="get_weather", arguments=given) for id, given, _ in turn.calls)
            history.append(Message(role="assistant", tool_calls=made))
            for id, _, result in turn.calls:
                if result is not None:
                    history.append(Message(role="tool", text=result, tool_call_id=id or None))
            yield tuple(history), behind
        if all(result is not None for _, _, result in turn.calls):
            history.append(Message(role="assistant", text=turn.said))


# ---- what an engine reads -----------------------------------------------------------------------------------------


def parts(body: dict[str, Any]) -> list[str]:
    """A body as what an engine reads, in order: tools and instructions first, then each part with its role."""
    if "contents" in body:
        head = [body.get("tools"), body.get("systemInstruction")]
        rest = [(turn["role"], part) for turn in body["contents"] for part in turn["parts"]]
    else:
        head, rest = [body.get("tools")], [piece for message in body["messages"] for piece in _pieces(message)]
    return [json.dumps(part) for part in (*head, *rest)]


def _pieces(message: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """A message's texts, each with its role; of turns that were joined a piece for each."""
    more = {name: value for name, value in message.items() if name not in ("content", "tool_calls")}
    for text in str(message["content"]).split("\n\n"):
        if text or message["role"] == "tool":
            yield more, text
    yield from ((more, call) for call in message.get("tool_calls", ()))


def changed(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    """The first part that is not as it was, with what it was; none where all are."""
    pairs = zip_longest(before, after[: len(before)], fillvalue="")
    return next(([(was, now)] for was, now in pairs if was != now), [])


# ---- a core with one engine of a kind -----------------------------------------------------------------------------


@asynccontextmanager
async def at(kind: str, home: Path) -> AsyncGenerator[tuple[Any, Twin]]:
    """A core whose agent `writer` always asks an engine of this kind, and that engine's twin."""
    compatible = OpenAITwin(keep_bodies=True)
    await compatible.start()

    def change(base: Settings) -> Settings:
        if kind == "openai":
            local = OpenAISettings(base_url=compatible.url)
            base = replace(base, engines=base.engines | {"local": local})
        base = replace(base, privacy=replace(base.privacy, action="redact"))
        return policy(base, "writer", "cloud" if kind == "gemini" else "local")

    try:
        async with stand(home, change=change) as it:
            twin: Twin = {"gemini": it.gemini, "ollama": it.ollama, "openai": compatible}[kind]
            yield it.core, twin
    finally:
        await compatible.close()


async def sent(core: Any, twin: Twin, messages: tuple[Message, ...]) -> tuple[list[str], Message]:
    """What the twin was sent for these messages, and what it answered."""
    request = Request(id=new_id(), agent="writer", messages=messages, tools=TOOLS, cache=False, session="s")
    text, called, signature = "", tuple[ToolCall, ...](), None
    for chunk in await chunks(core, request):
        if isinstance(chunk, Delta):
            text, signature = text + chunk.text, chunk.signature or signature
        elif isinstance(chunk, Called):
            called += chunk.calls
        elif isinstance(chunk, Done):
            assert chunk.outcome.error is None, chunk.outcome.error
    body = next(seen.body for seen in reversed(twin.seen) if seen.body)
    return parts(json.loads(body)), Message(role="assistant", text=text, tool_calls=called, signature=signature)


@pytest.mark.parametrize("kind", ENGINES)
def test_what_stays_in_a_session_stays_the_same_upstream(home: Path, kind: str) -> None:
    with asyncio.Runner() as runner:
        opened = at(kind, home)
        core, twin = runner.run(opened.__aenter__())

        @settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))
        @given(turns)
        def holds(session: list[Turn]) -> None:
            runner.run(keeps(core, twin, session))

        try:
            holds()
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def keeps(core: Any, twin: Twin, session: list[Turn]) -> None:
    """Play a session and hold each body against the one before it."""
    before: list[str] | None = None
    for stays, behind in requests(session):
        read, _ = await sent(core, twin, (*stays, *behind))
        assert before is None or not changed(before, read)
        before = read[: len(read) - len(behind)]


def as_it_was(message: Message) -> Message:
    return message


def without_signature(message: Message) -> Message:
    """As a program sends it back that knows no signatures."""
    bare = tuple(replace(call, signature=None) for call in message.tool_calls)
    return replace(message, tool_calls=bare, signature=None)


@pytest.mark.parametrize("forget", [as_it_was, without_signature])
@pytest.mark.parametrize("kind", ENGINES)
async def test_an_engines_own_answers_come_back_to_it_the_same(
    home: Path, kind: str, forget: Callable[[Message], Message]
) -> None:
    """Two answers of the same words come with two signatures; each goes back as it was the first time."""
    history: list[Message] = [Message(role="system", text="You are a helper.")]
    async with at(kind, home) as (core, twin):
        before: list[str] = []
        for text in ("Hello", "How is the weather in Graz?", "Hello", "Hello", "print the weather"):
            history.append(Message(role="user", text=text))
            read, answer = await sent(core, twin, tuple(history))
            assert not changed(before, read)
            history.append(forget(answer))
            if answer.tool_calls:
                history += [Message(role="tool", text="12 C", tool_call_id=call.id) for call in answer.tool_calls]
                read, answer = await sent(core, twin, tuple(history))
                history.append(forget(answer))
            before = read
