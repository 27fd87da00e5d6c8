"""A tool loop of three turns through the whole core, against the twin of a Gemini 3 model, as agents run it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.engines.gemini.generate_body import PLACEHOLDER
from backends.identity import new_id
from backends.rehearsal.process import twins
from backends.settings.model import Settings
from backends.types import Called, Delta, Done, Message, Request, Tool, ToolCall
from tests.core import Stand, chunks, policy, stand

TOOLS = tuple(
    Tool(name=name, parameters={"type": "object", "properties": {"city": {"type": "string"}}})
    for name in ("get_weather", "get_forecast", "3d_print")
)
QUESTIONS = ("How is the weather in Graz?", "And the forecast, please?", "Then print a map of it")


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


async def turn(it: Stand, history: list[Message]) -> tuple[str, tuple[ToolCall, ...], str | None]:
    """One request with all that was said so far: text, calls and the text's signature."""
    request = Request(id=new_id(), agent="writer", messages=tuple(history), tools=TOOLS, cache=False)
    text, calls, signature = "", tuple[ToolCall, ...](), None
    for chunk in await chunks(it.core, request):
        if isinstance(chunk, Delta):
            text, signature = text + chunk.text, chunk.signature or signature
        elif isinstance(chunk, Called):
            calls += chunk.calls
        elif isinstance(chunk, Done):
            assert chunk.outcome.finish == "stop", chunk.outcome.error
            assert [attempt.error for attempt in chunk.outcome.attempts] == [None]
    return text, calls, signature


def signatures(it: Stand) -> list[str]:
    """Those on the function calls of the last body that the twin saw."""
    body = json.loads(it.gemini.seen[-1].body)
    parts = [part for turn in body["contents"] for part in turn["parts"] if "functionCall" in part]
    return [part.get("thoughtSignature", "") for part in parts]


async def loop(
    it: Stand, history: list[Message], question: str, forget: Callable[[Message], Message]
) -> tuple[ToolCall, ...]:
    """Ask, call what is asked for, and hear the answer."""
    history.append(Message(role="user", text=question))
    text, calls, signature = await turn(it, history)
    assert calls, "the twin calls a tool here"
    history.append(forget(Message(role="assistant", text=text, tool_calls=calls, signature=signature)))
    history += [Message(role="tool", text="12 C", tool_call_id=call.id) for call in calls]
    text, more, signature = await turn(it, history)
    assert text
    assert not more
    history.append(forget(Message(role="assistant", text=text, signature=signature)))
    return calls


def kept(message: Message) -> Message:
    return message


def dropped(message: Message) -> Message:
    """As a client that knows only OpenAI's fields sends it back, its JSON written anew."""
    calls = tuple(
        replace(call, signature=None, arguments=json.dumps(json.loads(call.arguments), indent=1))
        for call in message.tool_calls
    )
    return replace(message, tool_calls=calls, signature=None)


@pytest.mark.parametrize("forget", [kept, dropped])
async def test_three_turns_keep_every_signature_over_restarts_of_the_core(
    tmp_path: Path, forget: Callable[[Message], Message]
) -> None:
    history: list[Message] = [Message(role="system", text="You know the weather.")]
    made: list[str | None] = []
    async with twins() as pair:
        for question in QUESTIONS:
            async with stand(tmp_path, change=cloudy, pair=pair) as it:
                calls = await loop(it, history, question, forget)
                made += [call.signature for call in calls]
                assert signatures(it) == made
    assert all(made)
    assert PLACEHOLDER not in made
    assert [call.name for message in history for call in message.tool_calls] == [tool.name for tool in TOOLS]


async def test_a_history_of_another_engine_goes_on_with_the_placeholder(tmp_path: Path) -> None:
    other = (ToolCall(id="call_0", name="get_weather", arguments='{"city": "Graz"}'),)
    history = [
        Message(role="user", text=QUESTIONS[0]),
        Message(role="assistant", text="I look.", tool_calls=other),
        Message(role="tool", text="9 C", tool_call_id="call_0"),
    ]
    async with twins() as pair, stand(tmp_path, change=cloudy, pair=pair) as it:
        await turn(it, history)
        assert signatures(it) == [PLACEHOLDER]


async def test_a_redacted_prompts_signatures_come_back_to_the_redacted_prompt(tmp_path: Path) -> None:
    def private(settings: Settings) -> Settings:
        return policy(settings, "writer", "cloud", privacy="redact")

    history: list[Message] = []
    async with twins() as pair:
        for question in ("How is the weather for jane.roe@gmail.com?", "And the forecast for jane.roe@gmail.com?"):
            async with stand(tmp_path, change=private, pair=pair) as it:
                await loop(it, history, question, dropped)
                assert PLACEHOLDER not in signatures(it)
                assert all(signatures(it))
        assert not any(b"jane.roe" in seen.body for seen in pair.gemini.seen)


async def test_what_had_to_be_mended_in_a_history_is_taken_by_google(tmp_path: Path) -> None:
    wanted = tuple(ToolCall(id="x", name=name, arguments="{}") for name in ("get_weather", "get_forecast"))
    odd = [
        Message(role="tool", text="from before", tool_call_id="gone"),
        Message(role="assistant", text=""),
        Message(role="assistant", text="Two at once."),
        Message(role="assistant", tool_calls=wanted),
        Message(role="tool", text="one", tool_call_id="x"),
        Message(role="user", text="never mind, and now?"),
        Message(role="assistant", tool_calls=(ToolCall(id="x", name="3d_print", arguments="{}"),)),
    ]
    async with twins() as pair, stand(tmp_path, change=cloudy, pair=pair) as it:
        await turn(it, odd)
