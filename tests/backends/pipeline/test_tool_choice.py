"""Tools through the whole router: a tool that must be called is called or the caller hears why, and calls written as
text are calls, whichever engine answers.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.rehearsal.behaviour import Calling, Deltas
from backends.rehearsal.faults import Fault
from backends.rehearsal.openai_twin import OpenAITwin
from backends.settings.engines import OpenAISettings
from backends.settings.model import Settings
from backends.types import Called, Delta, Done, Policy, Request, ResponseFormat, Sampling, Tool, Verify
from tests.backends.engines.rig import response, sse, wire
from tests.backends.pipeline.saying import Says, calls, checked
from tests.core import Stand, ask, chunks, policy, prompt

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="get_weather", parameters=CITY)
CLOCK = Tool(name="get_time")
BROKEN = {"index": 0, "id": "a", "function": {"name": "get_weather", "arguments": '{"city": '}}
ASKS, CHATS = "what is the weather?", "good day to you"


def asking(text: str = ASKS, **more: Any) -> Request:
    return prompt(text, agent="writer", tools=(WEATHER, CLOCK), **more)


def behaves(it: Stand, calling: Calling) -> None:
    it.ollama.behaviour = replace(it.ollama.behaviour, calling=calling)


def with_policy(wanted: Policy) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        return policy(settings, "writer", wanted)

    return change


async def heard(it: Stand, request: Request) -> tuple[str, list[str], Done]:
    """The text, the names of the tools that were called, and the end."""
    found = await chunks(it.core, request)
    done = found[-1]
    assert isinstance(done, Done)
    text = "".join(chunk.text for chunk in found if isinstance(chunk, Delta))
    return text, [call.name for chunk in found if isinstance(chunk, Called) for call in chunk.calls], done


@pytest.mark.parametrize("choice", ["required", "get_weather"])
async def test_an_engine_that_can_be_held_to_a_tool_choice_is_chosen(home: Path, choice: str) -> None:
    async with checked(home) as it:
        explanation = await it.core.explain(asking(CHATS, tool_choice=choice))
        assert explanation.engine == "cloud"
        assert ("tool_choice", "cannot be held to tool_choice") in [
            (reason.rule, reason.detail) for reason in explanation.reasons
        ]
        _, names, done = await heard(it, asking(CHATS, tool_choice=choice))
        assert len(names) == 1
        assert calls(it) == (0, 1)
        assert (await it.core.explain(asking(CHATS))).engine == "local"
    assert done.outcome.engine == "cloud"


@pytest.mark.parametrize("mode", ["off", "format", "always"])
async def test_where_only_ollama_may_answer_it_is_held_by_the_form_of_its_answer(home: Path, mode: Verify) -> None:
    async with checked(home, mode, with_policy("local")) as it:
        text, names, done = await heard(it, asking(CHATS, tool_choice="get_time"))
    assert (text, names) == ("", ["get_time"])
    assert (done.outcome.engine, done.outcome.finish) == ("local", "stop")
    assert done.outcome.notes == ("1 tool call read from the answer's text",)


@pytest.mark.parametrize("mode", ["off", "format", "always"])
@pytest.mark.parametrize("choice", ["required", "get_time"])
async def test_where_no_tool_is_called_all_the_same_the_caller_hears_why(home: Path, mode: Verify, choice: str) -> None:
    async with checked(home, mode, with_policy("local")) as it:
        behaves(it, "never")
        text, names, done = await heard(it, asking(CHATS, tool_choice=choice))
        (row,) = it.rows()
    assert (text, names) == ("", [])
    assert (done.outcome.finish, done.outcome.error_kind) == ("error", "empty")
    assert "called no tool" in str(done.outcome.error)
    assert row["finish"] == "error"


@pytest.mark.parametrize("mode", ["off", "format", "always"])
async def test_where_the_cloud_took_over_only_later_it_is_checked_too(home: Path, mode: Verify) -> None:
    """Cloud was chosen, failed, and local took over: what it says instead of a call is not given."""
    async with checked(home, mode) as it:
        it.gemini.inject(Fault(kind="status", status=503, times=None))
        behaves(it, "never")
        text, names, done = await heard(it, asking(CHATS, tool_choice="required"))
    assert (text, names) == ("", [])
    assert done.outcome.finish == "error"


@pytest.mark.parametrize("calling", ["tags", "bare", "fence", "xml"])
@pytest.mark.parametrize("mode", ["off", "format", "always"])
async def test_a_call_written_as_text_is_a_call_and_is_noted(home: Path, calling: Calling, mode: Verify) -> None:
    async with checked(home, mode) as it:
        behaves(it, calling)
        text, names, done = await heard(it, asking())
        assert calls(it) == (1, 0)
    assert (text, names) == ("", ["get_weather"])
    assert done.outcome.notes == ("1 tool call read from the answer's text",)


TORN = '<tool_call>{"name": "get_weather", "arguments": {"city": "Ber'
"""No bracket alone makes a call of it."""


def writes(it: Stand, *texts: str) -> None:
    """What the local model writes beside tools, one text a call, the last one for ever."""
    it.ollama.script = Says(*texts)  # type: ignore[assignment]


@pytest.mark.parametrize("mode", ["format", "doubtful", "always"])
async def test_a_call_that_cannot_be_read_goes_to_the_cloud_after_one_more_try(home: Path, mode: Verify) -> None:
    async with checked(home, mode) as it:
        writes(it, TORN)
        text, names, done = await heard(it, asking())
        assert calls(it) == (2, 1)
    assert (text, names) == ("", ["get_weather"])
    assert done.outcome.engine == "cloud"
    assert done.outcome.notes == ("escalated: a tool call that cannot be read",)
    assert [(attempt.engine, attempt.role) for attempt in done.outcome.attempts] == [
        ("local", "answer"),
        ("local", "repair"),
        ("cloud", "answer"),
    ]


async def test_where_it_cannot_go_further_it_is_given_with_a_mark(home: Path) -> None:
    async with checked(home, "format", with_policy("local")) as it:
        writes(it, TORN)
        text, names, done = await heard(it, asking())
        assert calls(it) == (2, 0)
    assert text == TORN
    assert names == []
    assert done.outcome.notes == ("unverified: a tool call that cannot be read (cloud is ruled out: policy)",)


async def test_where_nothing_is_checked_nothing_is_repaired(home: Path) -> None:
    async with checked(home, "off", with_policy("local")) as it:
        writes(it, TORN)
        text, names, done = await heard(it, asking())
        assert calls(it) == (1, 0)
    assert (text, names, done.outcome.notes) == (TORN, [], ())


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "Berlin"', "a tool call that cannot be read"),
        (
            '{"name": "get_weather", "arguments": {"City": "Berlin"}}',
            "against a tool's parameters: a required property",
        ),
    ],
)
@pytest.mark.parametrize("wanted", ["local", "prefer-local"])
async def test_a_call_that_is_wrong_in_form_only_is_put_right(
    home: Path, written: str, reason: str, wanted: Policy
) -> None:
    async with checked(home, "format", with_policy(wanted)) as it:
        writes(it, written)
        text, names, done = await heard(it, asking())
        found = [each for chunk in await chunks(it.core, asking()) if isinstance(chunk, Called) for each in chunk.calls]
        (row, _) = it.rows()
        assert calls(it) == (2, 0)  # one a request
    assert (text, names) == ("", ["get_weather"])
    assert [json.loads(each.arguments) for each in found] == [{"city": "Berlin"}]
    (note,) = [note for note in done.outcome.notes if "repaired" in note]
    assert note.startswith(f"tool call repaired: {reason}")
    assert note in row["notes"]


async def test_a_model_that_is_told_of_its_wrong_call_is_asked_once_more(home: Path) -> None:
    async with checked(home, "format", with_policy("local")) as it:
        writes(
            it,
            '{"name": "get_weather", "arguments": {"town": 1}}',
            '{"name": "get_weather", "arguments": {"city": "Rome"}}',
        )
        _, names, done = await heard(it, asking())
        assert calls(it) == (2, 0)
        (row,) = it.rows()
    assert names == ["get_weather"]
    assert done.outcome.finish == "stop"
    what = "against a tool's parameters: a required property is missing"
    assert f"tool call repaired by asking again: {what}" in done.outcome.notes
    first, again = json.loads(row["attempts"])
    assert (first.get("role", "answer"), again["role"]) == ("answer", "repair")
    assert again["tokens"]["input"] > first["tokens"]["input"]


async def test_a_server_that_cannot_read_the_call_itself_is_asked_again_then_the_cloud(home: Path) -> None:
    async with checked(home) as it:
        line = "error parsing tool call: raw='{', err=unexpected end of JSON input"
        it.ollama.inject(Fault(kind="status", status=500, body={"error": line}, times=None))
        _, names, done = await heard(it, asking())
        assert names == ["get_weather"]
        assert calls(it) == (2, 1)
    assert [attempt.engine for attempt in done.outcome.attempts] == ["local", "local", "cloud"]


async def test_calls_that_their_tools_cannot_take_go_to_the_cloud(home: Path) -> None:
    async with checked(home) as it:
        writes(it, '{"name": "get_weather", "arguments": {"town": 1}}')
        _, names, done = await heard(it, asking())
        assert calls(it) == (2, 1)
    assert names == ["get_weather"]
    assert done.outcome.notes == ("escalated: against a tool's parameters: a required property is missing",)


async def test_prose_beside_tools_is_heard_while_it_is_written(home: Path) -> None:
    """Only what may be a call is kept back: an agent that declares tools still sees its answer come."""
    waits = asyncio.Event()

    async def held(_: float) -> None:
        await asyncio.wait_for(waits.wait(), 5)

    async with checked(home) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=1.0)
        passed = 0

        async def slowly(seconds: float) -> None:
            nonlocal passed
            passed += 1
            if passed > 3:
                await held(seconds)

        it.ollama.sleep = slowly
        stream = it.core.ask(asking(CHATS))
        first = [await anext(stream), await anext(stream)]
        waits.set()
        rest = [chunk async for chunk in stream]
    assert isinstance(first[1], Delta)
    assert isinstance(rest[-1], Done)
    assert rest[-1].outcome.finish == "stop"
    assert rest[-1].outcome.notes == ()


async def test_tools_beside_a_format_on_the_local_engine(home: Path) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    form = ResponseFormat(kind="schema", schema=schema)
    async with checked(home, "format", with_policy("local")) as it:
        assert (await heard(it, asking(response_format=form)))[1] == ["get_weather"]
        text, outcome = await ask(it.core, asking(CHATS, response_format=form))
    assert set(json.loads(text)) == {"answer"}
    assert outcome.notes == ()


async def test_one_call_is_given_where_parallel_ones_are_not_wanted(home: Path) -> None:
    two = '{"name": "get_time", "arguments": {}}\n{"name": "get_time", "arguments": {}}'
    async with checked(home, "format", with_policy("local")) as it:
        it.ollama.script = Says(two)  # type: ignore[assignment]
        _, names, done = await heard(it, asking(parallel_tool_calls=False))
    assert names == ["get_time"]
    assert "parallel_tool_calls: 1 further calls were left out" in done.outcome.notes


@asynccontextmanager
async def compatible(home: Path, wanted: Policy) -> AsyncGenerator[tuple[Stand, OpenAITwin]]:
    """A stand whose local engine is an OpenAI-compatible server."""
    twin = OpenAITwin(keep_bodies=True)
    await twin.start()

    def change(settings: Settings) -> Settings:
        local = OpenAISettings(base_url=twin.url)
        settings = replace(settings, engines=settings.engines | {"local": local})
        return policy(settings, "writer", wanted)

    try:
        async with checked(home, "format", change) as it:
            yield it, twin
    finally:
        await twin.close()


@pytest.mark.parametrize(("wanted", "given"), [("prefer-local", "cloud"), ("local", "local")])
@pytest.mark.parametrize("calling", ["never", "broken"])
async def test_a_compatible_server_that_does_not_keep_to_its_word(
    home: Path, wanted: Policy, given: str, calling: Calling
) -> None:
    async with compatible(home, wanted) as (it, twin):
        assert (await it.core.explain(asking(tool_choice="required"))).engine == "local"
        twin.behaviour = replace(twin.behaviour, calling=calling)
        text, names, done = await heard(it, asking(tool_choice="required"))
        assert json.loads(twin.seen[-1].body)["tool_choice"] == "required"
    assert text == ""
    assert names == (["get_weather"] if given == "cloud" else [])
    assert (done.outcome.engine, done.outcome.finish) == (given, "stop" if given == "cloud" else "error")


@pytest.mark.parametrize("deltas", ["same-index", "no-index", "nulls", "late-calls", "whole"])
async def test_a_compatible_server_with_a_stream_of_its_own(home: Path, deltas: Deltas) -> None:
    async with compatible(home, "local") as (it, twin):
        twin.behaviour = replace(twin.behaviour, deltas=deltas)
        text, names, done = await heard(it, asking())
    assert (text, names, done.outcome.finish) == ("", ["get_weather"], "stop")
    assert done.outcome.notes == ()


async def test_broken_arguments_go_to_the_cloud_and_are_an_error_where_they_cannot(home: Path) -> None:
    piece = {"choices": [{"index": 0, "delta": {"tool_calls": [BROKEN]}, "finish_reason": "tool_calls"}]}
    async with wire(response(sse(piece, b"[DONE]"))) as server:

        def change(wanted: Policy) -> Callable[[Settings], Settings]:
            def changed(settings: Settings) -> Settings:
                local = OpenAISettings(base_url=server.url)
                return policy(replace(settings, engines=settings.engines | {"local": local}), "writer", wanted)

            return changed

        async with checked(home / "a", "off", change("prefer-local")) as it:
            _, names, done = await heard(it, asking())
            assert names == ["get_weather"]
            assert done.outcome.engine == "cloud"
        async with checked(home / "b", "off", change("local")) as it:
            text, names, done = await heard(it, asking())
    assert (text, names) == ("", [])
    assert (done.outcome.finish, done.outcome.error_kind) == ("error", "empty")
    assert "no JSON object" in str(done.outcome.error)


async def test_what_the_engine_has_no_word_for_is_named_also_where_it_took_over(home: Path) -> None:
    sampling = Sampling(effort="high", thinking_budget=512, logit_bias=(("1", 1.0),))
    expected = ("thinking_budget", "logit_bias", "reasoning_effort")
    async with checked(home) as it:
        assert (await it.core.explain(asking(CHATS, sampling=sampling))).ignored == expected
        it.gemini.inject(Fault(kind="status", status=503, times=None))
        _, _, done = await heard(it, asking(tool_choice="required", sampling=sampling))
    assert done.outcome.engine == "local"
    assert done.outcome.ignored == expected


async def test_an_escalated_answer_names_what_the_cloud_has_no_word_for(home: Path) -> None:
    sampling = Sampling(min_p=0.1, logit_bias=(("1", 1.0),))
    async with checked(home) as it:
        writes(it, TORN)
        _, names, done = await heard(it, asking(sampling=sampling))
    assert names == ["get_weather"]
    assert done.outcome.ignored == ("min_p", "logit_bias")
