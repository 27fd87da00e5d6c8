"""Each way in which OpenAI-compatible servers write their stream is read as the answer it is."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Finished
from backends.engines.openai import OpenAIClient
from backends.rehearsal.behaviour import Calling, Deltas
from backends.rehearsal.faults import Fault
from backends.rehearsal.openai_twin import THOUGHT, OpenAITwin
from backends.rehearsal.scripted_answers import AnswerEnd, ScriptedRequest, ToolInvocation
from backends.types import Media, Message, Tokens, Tool, ToolCall
from tests.backends.engines.rig import CALL, Answer, answer, delta, failure, local_settings, response, sse, wire

DONE = b"[DONE]"
WEATHER = Tool(
    name="get_weather",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CLOCK = Tool(name="get_time", parameters={"type": "object", "properties": {"zone": {"type": "string"}}})
ASKING = changed(CALL, messages=(Message(role="user", text="what is the weather?"),), tools=(WEATHER, CLOCK))
FUNCTION = {"name": "get_weather", "arguments": '{"city":"Rome"}'}
ALL: tuple[Deltas, ...] = (
    "plain",
    "same-index",
    "no-index",
    "no-id",
    "nulls",
    "late-calls",
    "whole",
    "parts",
    "reasoning",
    "refusal",
)
TWO = (ToolInvocation("get_weather", {"city": "Paris"}), ToolInvocation("get_weather", {"city": "Rome"}))


class Calls:
    """A model that calls the same tool twice."""

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        for call in TWO:
            yield call
        yield AnswerEnd(input=9, output=7, finish="stop")


@pytest.fixture
async def twin() -> AsyncIterator[OpenAITwin]:
    twin = OpenAITwin(keep_bodies=True)
    await twin.start()
    yield twin
    await twin.close()


@pytest.fixture
async def engine(twin: OpenAITwin) -> AsyncIterator[OpenAIClient]:
    engine = OpenAIClient("local", local_settings(twin.url, kind="openai"))
    yield engine
    await engine.close()


@pytest.mark.parametrize("deltas", [*ALL, "legacy"])
async def test_the_text_is_the_same_in_every_way(twin: OpenAITwin, engine: OpenAIClient, deltas: Deltas) -> None:
    plain = await answer(engine, CALL)
    twin.behaviour = changed(twin.behaviour, deltas=deltas)
    whole = await answer(engine, CALL)
    assert len(plain.text) > 100
    assert whole.text == plain.text
    assert whole.finished == Finished(finish="stop")
    assert whole.tokens == plain.tokens
    assert THOUGHT.strip() not in whole.text


@pytest.mark.parametrize("deltas", ALL)
async def test_two_calls_of_one_tool_are_two(twin: OpenAITwin, engine: OpenAIClient, deltas: Deltas) -> None:
    twin.script = Calls()
    twin.behaviour = changed(twin.behaviour, deltas=deltas)
    whole = await answer(engine, ASKING)
    assert [(call.name, json.loads(call.arguments)) for call in whole.calls] == [
        (call.name, call.arguments) for call in TWO
    ]
    assert len({call.id for call in whole.calls}) == 2
    assert whole.text == ""
    assert whole.finished == Finished(finish="stop")


async def test_the_one_call_of_the_old_form(twin: OpenAITwin, engine: OpenAIClient) -> None:
    twin.behaviour = changed(twin.behaviour, deltas="legacy")
    (call,) = (await answer(engine, ASKING)).calls
    assert call.name == "get_weather"
    assert set(json.loads(call.arguments)) == {"city"}


@pytest.mark.parametrize("calling", ["tags", "bare", "fence", "xml"])
async def test_a_call_written_as_text_is_a_call(twin: OpenAITwin, engine: OpenAIClient, calling: Calling) -> None:
    twin.behaviour = changed(twin.behaviour, calling=calling)
    whole = await answer(engine, ASKING)
    assert [call.name for call in whole.calls] == ["get_weather"]
    assert whole.text == ""
    assert whole.finished is not None
    assert whole.finished.notes == ("1 tool call read from the answer's text",)


@pytest.mark.parametrize(("mode", "side"), [("no-input", "output"), ("no-output", "input")])
async def test_a_count_of_one_side_is_kept(twin: OpenAITwin, engine: OpenAIClient, mode: str, side: str) -> None:
    twin.inject(Fault(kind="usage", mode=mode))
    whole = await answer(engine, CALL)
    record = twin.usage.calls[-1]
    assert whole.tokens == Tokens(**{side: getattr(record, side)})


async def test_a_history_that_templates_would_refuse_is_taken(twin: OpenAITwin, engine: OpenAIClient) -> None:
    """The twin refuses what the strictest templates do: two turns of a role, late instructions, broken arguments."""
    image = Media(media_type="image/png", data=b"\x89PNG")
    messages = (
        Message(role="system", text="Be brief."),
        Message(role="user", text="a"),
        Message(role="user", text="look", media=(image,)),
        Message(role="assistant", text="I look."),
        Message(role="assistant", tool_calls=(ToolCall(id="a", name="get_time", arguments="{broken"),)),
        Message(role="tool", tool_call_id="a", text="12:00", media=(image,)),
        Message(role="system", text="In French."),
        Message(role="user", text="b"),
    )
    call = changed(CALL, messages=messages, stop=("", "END"), seed=2**63, effort="xhigh", logit_bias=(("1", 1.0),))
    whole = await answer(engine, call)
    assert whole.text
    assert whole.finished is not None
    assert "no JSON object" in whole.finished.notes[0]
    only = changed(CALL, messages=(Message(role="system", text="Say hello."),))
    assert (await answer(engine, only)).text


@pytest.mark.parametrize("choice", ["auto", "none", "required", "get_time"])
async def test_a_choice_of_tools_is_passed_on(twin: OpenAITwin, engine: OpenAIClient, choice: str) -> None:
    call = changed(ASKING, tool_choice=choice, parallel_tool_calls=False, messages=(Message(role="user", text="hm"),))
    whole = await answer(engine, call)
    assert [each.name for each in whole.calls] == {"required": ["get_weather"], "get_time": ["get_time"]}.get(
        choice, []
    )
    body = json.loads(twin.seen[-1].body)
    named = {"type": "function", "function": {"name": choice}}
    assert body["tool_choice"] == (choice if choice in ("auto", "none", "required") else named)
    assert body["parallel_tool_calls"] is False


async def test_no_share_of_the_likeliest_tokens_is_the_least_that_vllm_takes(engine: OpenAIClient) -> None:
    """OpenAI takes 0, vLLM refuses it."""
    assert (await answer(engine, changed(ASKING, top_p=0.0))).finished is not None


# ---- events that only few servers send


async def said(*events: Any) -> Answer:
    async with wire(response(sse(*events))) as server:
        engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
        try:
            return await answer(engine, ASKING)
        finally:
            await engine.close()


def piece(arguments: str | None = None, name: str | None = None, **more: Any) -> dict[str, Any]:
    return delta(tool_calls=[{"function": {"name": name, "arguments": arguments}} | more])


@pytest.mark.parametrize(
    "pieces",
    [
        (piece("", "get_time", id="a", index=0), piece('{"zone":', id="b", index=0), piece('"x"}', id="c", index=0)),
        (piece('{"zone":', "get_time", id="a", index=0), piece('"x"}', "get_time", id="a", index=0)),
        (piece(None, "get_time", index=0), piece('{"zone":"x"}', id="a", index=0)),
        (piece('"{\\"zone\\":\\"x\\"}"', "get_time", index=0),),
    ],
    ids=["an id that changes", "a name that comes again", "an id that comes late", "arguments in a string"],
)
async def test_one_call_stays_one(pieces: tuple[Any, ...]) -> None:
    (call,) = (await said(*pieces, delta(None, "tool_calls"), DONE)).calls
    assert (call.name, json.loads(call.arguments)) == ("get_time", {"zone": "x"})


async def test_arguments_as_an_object_and_none_at_all() -> None:
    one = {"index": 0, "function": {"name": "get_time", "arguments": {"zone": "x"}}}
    two = {"index": 1, "function": {"name": "get_time", "arguments": None}}
    calls = (await said(delta(tool_calls=[one, two]), delta(None, "stop"), DONE)).calls
    assert [json.loads(call.arguments) for call in calls] == [{"zone": "x"}, {}]


async def test_equal_ids_of_two_calls_are_told_apart() -> None:
    calls = (
        await said(
            piece('{"zone":"x"}', "get_time", id="a", index=0),
            piece('{"zone":"y"}', "get_time", id="a", index=1),
            delta(None, "tool_calls"),
            DONE,
        )
    ).calls
    assert [json.loads(call.arguments)["zone"] for call in calls] == ["x", "y"]
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
async def test_broken_arguments_are_no_answer(finish: str) -> None:
    async with wire(response(sse(piece('{"zone": ', "get_time", index=0), delta(None, finish), DONE))) as server:
        engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
        error = await failure(engine, ASKING)
        await engine.close()
    assert error.kind == "empty"
    assert "no JSON object" in str(error)


async def test_a_call_without_a_name_is_no_answer() -> None:
    async with wire(response(sse(piece("{}", None, id="a", index=0), delta(None, "tool_calls"), DONE))) as server:
        engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
        error = await failure(engine, ASKING)
        await engine.close()
    assert error.kind == "empty"


async def test_nothing_among_the_calls_is_no_call() -> None:
    whole = await said(delta("Rome", tool_calls=[None]), delta(None, "stop", tool_calls=[{}]), DONE)
    assert (whole.text, whole.calls) == ("Rome", ())


async def test_arguments_that_the_cap_cut_are_given_as_they_are() -> None:
    whole = await said(piece('{"zone": ', "get_time", index=0), delta(None, "length"), DONE)
    assert [call.arguments for call in whole.calls] == ['{"zone": ']
    assert whole.finished == Finished(finish="length")


@pytest.mark.parametrize(("reason", "finish"), [("eos", "stop"), ("end_turn", "stop"), ("max_tokens", "length")])
async def test_reasons_in_words_of_their_own(reason: str, finish: Any) -> None:
    assert (await said(delta("x", reason), DONE)).finished == Finished(finish=finish)


async def test_nulls_and_fractions_in_the_usage() -> None:
    usage = {"prompt_tokens": 9.0, "completion_tokens": 7, "prompt_tokens_details": None, "total_tokens": None}
    whole = await said(delta("x", "stop"), {"choices": None, "usage": usage}, DONE)
    assert whole.tokens == Tokens(input=9, output=7)


@pytest.mark.parametrize(
    "last",
    [delta("Two.", "stop"), delta(finish="tool_calls", tool_calls=[{"index": 0, "id": "a", "function": FUNCTION}])],
)
async def test_a_last_event_that_comes_twice_is_read_once(last: dict[str, Any]) -> None:
    async with wire(response(sse(delta("One. "), last, last, DONE))) as server:
        engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
        whole = await answer(engine, ASKING)
        await engine.close()
    assert whole.text == "One. " + (last["choices"][0]["delta"]["content"] or "")
    assert [call.arguments for call in whole.calls] == ([] if "Two" in whole.text else ['{"city":"Rome"}'])


async def test_a_part_that_is_null_says_nothing() -> None:
    parts = delta("", content=[None, {"type": "text", "text": "seven"}])
    assert (await said(parts, delta(None, "stop"), DONE)).text == "seven"
