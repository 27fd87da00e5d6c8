"""Answers that are none, or are more than was asked for."""

import json
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Call, Finished, ToolCalls
from backends.engines.gemini import GeminiClient
from backends.errors import EngineError
from backends.settings.engines import GeminiSettings
from backends.types import ResponseFormat, Tokens, Tool
from tests.backends.engines.rig import CLOUD_CALL, KEY, Answer, answer, candidate, failure, response, sse, wire

CALLED = {"functionCall": {"name": "list_files", "args": {}}, "thoughtSignature": "c2ln"}


def parts(*each: dict[str, Any], finish: str | int | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"content": {"role": "model", "parts": list(each)}}
    counts = {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}
    return {"candidates": [said | ({"finishReason": finish} if finish is not None else {})], "usageMetadata": counts}


async def said(*events: Any, call: Call = CLOUD_CALL) -> Answer:
    async with wire(response(sse(*events))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        whole = await answer(engine, call)
        await engine.close()
    return whole


async def broken(*events: Any, into: Answer | None = None) -> EngineError:
    async with wire(response(sse(*events))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        error = await failure(engine, CLOUD_CALL, into=into)
        await engine.close()
    return error


@pytest.mark.parametrize(
    "event",
    [
        parts(finish="STOP"),
        parts({"text": ""}, finish="STOP"),
        parts({"text": "", "thoughtSignature": "c2ln"}, finish="STOP"),
        parts({"text": "hm", "thought": True}, finish="STOP"),
        parts(finish="MALFORMED_FUNCTION_CALL"),
        parts(finish="UNEXPECTED_TOOL_CALL"),
        parts(finish="MALFORMED_RESPONSE"),
        parts({"executableCode": {"language": "PYTHON", "code": "1"}}, finish="STOP"),
        parts({"functionCall": {"name": "", "args": {}}}, finish="STOP"),
        parts({"functionCall": {}}, finish="STOP"),
    ],
)
async def test_an_end_without_anything_usable_is_no_answer_and_may_be_billed(event: dict[str, Any]) -> None:
    before = Answer()
    error = await broken(event, into=before)
    assert (error.kind, error.billed) == ("empty", True)
    assert before.tokens == Tokens(input=9, output=2)


async def test_a_broken_call_behind_a_text_is_a_broken_answer() -> None:
    error = await broken(parts({"text": "Let me look."}), parts(finish="MALFORMED_FUNCTION_CALL"))
    assert (error.kind, error.billed) == ("cut", True)


@pytest.mark.parametrize("reason", ["UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_FUNCTION_CALL"])
async def test_calls_that_were_heard_are_kept_whatever_gemini_thinks_of_them(reason: str) -> None:
    whole = await said(parts(CALLED, finish=reason))
    assert [(call.name, call.signature) for call in whole.calls] == [("list_files", "c2ln")]
    assert whole.finished is not None
    assert whole.finished.finish == "stop"
    assert reason in whole.finished.notes[0]


async def test_the_model_that_answers_is_told_once_and_first() -> None:
    whole = await said(candidate("a", modelVersion="gemini-9"), candidate("b", "STOP", modelVersion="gemini-9"))
    assert whole.answering == "gemini-9"
    assert [type(chunk).__name__ for chunk in whole.chunks] == ["AnsweredBy", "Text", "Text", "Finished"]


async def test_one_call_at_a_time_where_that_is_asked_for() -> None:
    alone = changed(CLOUD_CALL, parallel_tool_calls=False)
    events = (parts(CALLED, CALLED), parts(CALLED, finish="STOP"))
    whole = await said(*events, call=alone)
    assert len(whole.calls) == 1
    assert whole.finished == Finished(
        finish="stop", notes=("2 further tool calls were left out: one at a time was asked for",)
    )
    assert len((await said(*events)).calls) == 3


async def test_calls_of_one_event_come_together_and_text_before_them_first() -> None:
    whole = await said(parts({"text": "a"}, CALLED, CALLED, {"text": "b"}, finish="STOP"))
    assert [len(chunk.calls) for chunk in whole.chunks if isinstance(chunk, ToolCalls)] == [2]
    assert whole.text == "ab"


async def test_numbers_in_place_of_words_are_understood() -> None:
    odd = parts({"text": "x"}, finish=1)
    odd["candidates"][0]["safetyRatings"] = [{"category": 8, "probability": 1}]
    odd["usageMetadata"]["promptTokensDetails"] = [{"modality": 1, "tokenCount": 9}]
    whole = await said(odd)
    assert (whole.text, whole.finished) == ("x", Finished(finish="stop"))
    assert whole.tokens == Tokens(input=9, output=2)
    odd["candidates"][0] |= {"safetyRatings": [{"category": 8, "probability": 1}], "finishReason": "STOP"}
    assert (await said(odd)).finished == Finished(finish="stop")
    blocked = await said(parts({"text": "x"}, finish=3))
    assert blocked.finished == Finished(finish="blocked", reason="SAFETY")


STOPS = ("a1", "b1", "c1", "d1", "e1", "END", "STOP HERE")


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("one END two",), "one "),
        (("one E", "N", "D two"), "one "),
        (("one EN", "Dive"), "one "),
        (("one EN", "OUGH"), "one ENOUGH"),
        (("one STOP", " HER", "O"), "one STOP HERO"),
        (("one STOP H", "ERE END"), "one "),
        (("E", "E", "ND"), "E"),
        (("one EN",), "one EN"),
    ],
)
async def test_stop_words_beyond_the_fifth_are_cut_here(pieces: tuple[str, ...], text: str) -> None:
    events = [parts({"text": piece}) for piece in pieces]
    events[-1]["candidates"][0]["finishReason"] = "STOP"
    async with wire(response(sse(*events))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        whole = await answer(engine, changed(CLOUD_CALL, stop=STOPS))
        await engine.close()
    assert whole.text == text
    assert whole.finished == Finished(finish="stop")
    sent = json.loads(server.requests[-1].partition(b"\r\n\r\n")[2])["generationConfig"]
    assert sent["stopSequences"] == ["a1", "b1", "c1", "d1", "e1"]


async def test_after_a_stop_word_the_answer_is_not_waited_for() -> None:
    async with wire(response(sse(parts({"text": "one END two"})), end=False)) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        whole = await answer(engine, changed(CLOUD_CALL, stop=STOPS))
        await engine.close()
    assert whole.text == "one "
    assert whole.tokens == Tokens(input=9, output=2)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("```json\n{}\n```",), "{}"),
        (("``", "`js", "on\n{", "}\n`", "``\n"), "{}"),
        (("{}",), "{}"),
        (("\n ", '{"a": "```"}'), '\n {"a": "```"}'),
        (("```json\n", '{"a": "', "```\n", '"}\n', "```"), '{"a": "```\n"}'),
        (("`", "code`"), "`code`"),
        (("```\n{}",), "{}"),
    ],
)
async def test_a_fence_around_json_that_was_only_asked_for_is_left_out(pieces: tuple[str, ...], text: str) -> None:
    call = changed(
        CLOUD_CALL,
        model="gemini-2.5-flash-lite",
        tools=(Tool(name="f"),),
        response_format=ResponseFormat(kind="json"),
    )
    events = [parts({"text": piece}) for piece in pieces]
    events[-1]["candidates"][0]["finishReason"] = "STOP"
    assert (await said(*events, call=call)).text == text
    assert (await said(*events)).text == "".join(pieces)


@pytest.mark.parametrize("apart", [False, True])
async def test_two_calls_that_google_gave_one_id_have_two(apart: bool) -> None:
    same = [{"functionCall": {"id": "g1", "name": "list_files", "args": {"n": n}}} for n in (1, 2)]
    events = [parts(same[0]), parts(same[1], finish="STOP")] if apart else [parts(*same, finish="STOP")]
    whole = await said(*events)
    assert [call.arguments for call in whole.calls] == ['{"n":1}', '{"n":2}']
    first, second = (call.id for call in whole.calls)
    assert first == "g1" != second


async def test_half_a_surrogate_pair_in_arguments_is_replaced() -> None:
    called = {"functionCall": {"name": "list_files", "args": {"at": "a\ud800"}}}
    whole = await said(json.dumps(parts(called, finish="STOP")).encode())
    assert [json.loads(call.arguments) for call in whole.calls] == [{"at": "a\ufffd"}]


@pytest.mark.parametrize("last", [{"text": "Two."}, CALLED])
async def test_a_last_event_that_comes_twice_is_read_once(last: dict[str, Any]) -> None:
    once = await said(parts({"text": "One. "}), parts(last, finish="STOP"))
    twice = await said(parts({"text": "One. "}), parts(last, finish="STOP"), parts(last, finish="STOP"))
    assert (twice.text, len(twice.calls), twice.tokens) == (once.text, len(once.calls), once.tokens)
    assert twice.text == ("One. Two." if "text" in last else "One. ")


async def test_equal_words_with_a_reason_in_each_event_are_all_read() -> None:
    events = []
    for counted in (1, 2, 3):
        event = parts({"text": "ha "}, finish="STOP")
        event["usageMetadata"] |= {"candidatesTokenCount": counted}
        events.append(event)
    assert (await said(*events)).text == "ha ha ha "
    for event in events:
        del event["usageMetadata"]
    assert (await said(*events)).text == "ha ha ha "
