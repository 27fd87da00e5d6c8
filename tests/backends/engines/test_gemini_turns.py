"""What OpenAI's dialect takes and Gemini does not is translated: the twin refuses it as Google does."""

import json
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Call
from backends.engines.gemini import GeminiClient
from backends.engines.gemini.function_names import RULES
from backends.engines.gemini.generate_body import CUT_OFF, GO_ON
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.settings.engines import GeminiSettings
from backends.types import Media, Message, ResponseFormat, Tool, ToolCall
from tests.backends.engines.rig import CLOUD_CALL, KEY, answer, candidate, failure, response, sse, wire

WEATHER = Tool(name="get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
CALLED = Message(role="assistant", tool_calls=(ToolCall(id="a", name="get_weather", arguments='{"city": "Paris"}'),))
TOLD = Message(role="tool", text="12 C", tool_call_id="a", name="get_weather")
PNG = Media(media_type="image/png", data=b"\x89PNG")


def user(text: str, *media: Media) -> Message:
    return Message(role="user", text=text, media=media)


def said(text: str, **more: Any) -> Message:
    return Message(role="assistant", text=text, **more)


async def sent(twin: GeminiTwin, engine: GeminiClient, *messages: Message, **more: Any) -> dict[str, Any]:
    """The body that the twin took for these messages; it refuses what Google refuses."""
    await answer(engine, changed(CLOUD_CALL, messages=messages, **more))
    body: dict[str, Any] = json.loads(twin.seen[-1].body)
    return body


def turns(body: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Each turn's role and the kinds or texts of its parts."""
    return [
        (turn["role"], [part.get("text") or next(k for k in part if k != "thoughtSignature") for part in turn["parts"]])
        for turn in body["contents"]
    ]


async def test_consecutive_turns_of_a_role_are_merged(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    body = await sent(gemini_twin, gemini, user("a"), user("b"), said("Let me look."), CALLED, TOLD, user("well?"))
    assert turns(body) == [
        ("user", ["a", "b"]),
        ("model", ["Let me look.", "functionCall"]),
        ("user", ["functionResponse", "well?"]),
    ]


@pytest.mark.parametrize("empty", [said(""), user(""), Message(role="system")])
async def test_an_empty_message_is_no_part(gemini: GeminiClient, gemini_twin: GeminiTwin, empty: Message) -> None:
    body = await sent(gemini_twin, gemini, user("a"), empty, user("b"))
    assert turns(body) == [("user", ["a", "b"])]
    assert "systemInstruction" not in body


@pytest.mark.parametrize("first", [said("As I said."), CALLED])
async def test_a_history_that_was_cut_begins_with_the_user(
    gemini: GeminiClient, gemini_twin: GeminiTwin, first: Message
) -> None:
    rest = (TOLD,) if first is CALLED else ()
    body = await sent(gemini_twin, gemini, first, *rest, user("and now?"), tools=(WEATHER,))
    assert turns(body)[0] == ("user", [CUT_OFF])


async def test_a_last_turn_of_the_models_is_followed_by_the_users(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    body = await sent(gemini_twin, gemini, user("a"), said("Once upon"))
    assert turns(body)[-1] == ("user", [GO_ON])
    older = await sent(gemini_twin, gemini, user("a"), said("Once upon"), model="gemini-2.5-flash-lite")
    assert turns(older)[-1] == ("model", ["Once upon"])


async def test_nothing_at_all_is_still_a_turn(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    assert turns(await sent(gemini_twin, gemini, user(""))) == [("user", [GO_ON])]


async def test_files_in_tools_results_stand_beside_them_in_one_turn(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    wanted = tuple(ToolCall(id=id, name="shoot", arguments="{}") for id in "ab")
    shots = [Message(role="tool", text="done", tool_call_id=id, name="shoot", media=(PNG,)) for id in "ab"]
    body = await sent(gemini_twin, gemini, user("look"), said("", tool_calls=wanted), *shots)
    last = turns(body)[-1][1]
    assert last[:2] == ["functionResponse", "functionResponse"]
    assert last.count("inlineData") == 2
    assert [text for text in last if "call" in text] == [
        "(Came with the result of shoot, call a:)",
        "(Came with the result of shoot, call b:)",
    ]


async def test_a_result_of_an_id_used_twice_is_named_after_the_call_before_it(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    def call(name: str) -> Message:
        return said("", tool_calls=(ToolCall(id="x", name=name, arguments="{}"),))

    told = Message(role="tool", text="1", tool_call_id="x")
    body = await sent(gemini_twin, gemini, user("?"), call("one"), told, call("two"), told)
    names = [p["functionResponse"]["name"] for t in body["contents"] for p in t["parts"] if "functionResponse" in p]
    assert names == ["one", "two"]


@pytest.mark.parametrize(
    "name", ["3d_print", "mcp__" + "x" * 80, "a b", "wetter_für_ß", "-", "x" * 65, "print\n", ".hidden", "get weather?"]
)
async def test_a_name_outside_the_rules_is_another_one_up_there_and_its_own_down_here(
    gemini: GeminiClient, gemini_twin: GeminiTwin, name: str
) -> None:
    tool = changed(WEATHER, name=name)
    history = (user("?"), said("", tool_calls=(ToolCall(id="a", name=name, arguments="{}"),)), changed(TOLD, name=name))
    call = changed(CLOUD_CALL, messages=history, tools=(tool,))
    await answer(gemini, call)
    body = json.loads(gemini_twin.seen[-1].body)
    up = body["tools"][0]["functionDeclarations"][0]["name"]
    assert RULES.fullmatch(up)
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == up
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == up
    whole = await answer(gemini, changed(CLOUD_CALL, messages=(user("go"),), tools=(tool,), tool_choice=name))
    assert [called.name for called in whole.calls] == [name]
    assert json.loads(gemini_twin.seen[-1].body)["toolConfig"]["functionCallingConfig"] == {
        "mode": "ANY",
        "allowedFunctionNames": [up],
    }


async def test_two_names_that_are_mended_alike_stay_two(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    tools = tuple(changed(WEATHER, name=name) for name in ("a b", "a?b", "a_b"))
    body = await sent(gemini_twin, gemini, user("x"), tools=tools)
    names = {declared["name"] for declared in body["tools"][0]["functionDeclarations"]}
    assert len(names) == 3
    assert "a_b" in names


async def test_one_tool_twice_is_declared_once(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    body = await sent(gemini_twin, gemini, user("x"), tools=(WEATHER, changed(WEATHER, description="again")))
    assert len(body["tools"][0]["functionDeclarations"]) == 1


FORMS = [ResponseFormat(kind="json"), ResponseFormat(kind="schema", schema={"type": "object", "title": "Reply"})]


@pytest.mark.parametrize("form", FORMS)
async def test_a_json_format_beside_tools_goes_as_an_instruction_where_it_is_refused(
    gemini: GeminiClient, gemini_twin: GeminiTwin, form: ResponseFormat
) -> None:
    call = changed(CLOUD_CALL, model="gemini-2.5-flash-lite", tools=(WEATHER,), response_format=form)
    whole = await answer(gemini, changed(call, messages=(user("which disk?"),)))
    body = json.loads(gemini_twin.seen[-1].body)
    assert "responseMimeType" not in body["generationConfig"]
    told = body["systemInstruction"]["parts"][0]["text"]
    assert "JSON" in told
    assert ("Reply" in told) == (form.schema is not None)
    assert whole.finished is not None
    assert any("instruction" in note for note in whole.finished.notes)


@pytest.mark.parametrize("form", FORMS)
async def test_gemini_3_takes_a_json_format_beside_tools(
    gemini: GeminiClient, gemini_twin: GeminiTwin, form: ResponseFormat
) -> None:
    body = await sent(gemini_twin, gemini, user("which disk?"), tools=(WEATHER,), response_format=form)
    assert body["generationConfig"]["responseMimeType"] == "application/json"
    assert body["generationConfig"].get("responseJsonSchema") == form.schema
    assert "systemInstruction" not in body


async def test_a_model_that_refuses_json_beside_tools_all_the_same_is_asked_once_more_and_then_no_more() -> None:
    words = "Function calling with a response mime type: 'application/json' is unsupported"
    no = json.dumps({"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}).encode()
    said_so = response(no, status="400 Bad Request", kind="application/json")
    async with wire(said_so, response(sse(candidate("```json\n{}\n```", "STOP")))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        call = changed(CLOUD_CALL, tools=(WEATHER,), response_format=FORMS[0])
        assert [(await answer(engine, call)).text for _ in range(2)] == ["{}", "{}"]
        await engine.close()
    assert [b"responseMimeType" in request for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("media_type", ["application/pdf", "audio/wav", "audio/mpeg", "image/webp", "image/heic"])
async def test_files_of_other_kinds_are_sent(gemini: GeminiClient, gemini_twin: GeminiTwin, media_type: str) -> None:
    body = await sent(gemini_twin, gemini, user("read it", Media(media_type=media_type, data=b"\x00\xfb\xff")))
    assert body["contents"][0]["parts"][0] == {"inlineData": {"mimeType": media_type, "data": "APv/"}}


@pytest.mark.parametrize("media_type", ["image/gif", "image/svg+xml", "application/zip"])
async def test_a_file_that_gemini_does_not_take_is_refused_before_it_is_sent(
    gemini: GeminiClient, gemini_twin: GeminiTwin, media_type: str
) -> None:
    call = changed(CLOUD_CALL, messages=(user("look", Media(media_type=media_type, data=b"x")),))
    error = await failure(gemini, call)
    assert error.kind == "rejected"
    assert media_type in str(error)
    assert not gemini_twin.seen


async def test_half_a_surrogate_pair_is_replaced(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    body = await sent(gemini_twin, gemini, user("a\ud800b"))
    assert turns(body) == [("user", ["a\ufffdb"])]


async def test_arguments_that_another_model_wrote_wrong_are_shown_as_they_are(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    odd = said("", tool_calls=tuple(ToolCall(id=text, name="f", arguments=text) for text in ('{"a": ', "[1]", '"x"')))
    told = (Message(role="tool", text="1", tool_call_id=text, name="f") for text in ('{"a": ', "[1]", '"x"'))
    body = await sent(gemini_twin, gemini, user("?"), odd, *told)
    assert [part["functionCall"]["args"] for part in body["contents"][1]["parts"]] == [
        {"unparsed": '{"a": '},
        {"unparsed": "[1]"},
        {"unparsed": '"x"'},
    ]


@pytest.mark.parametrize(
    ("seed", "folded"), [(7, 7), (2**31, -(2**31)), (2**31 - 1, 2**31 - 1), (-(2**63), 0), (2**63 - 1, -1)]
)
async def test_a_seed_is_folded_into_32_bits(
    gemini: GeminiClient, gemini_twin: GeminiTwin, seed: int, folded: int
) -> None:
    assert (await sent(gemini_twin, gemini, user("x"), seed=seed))["generationConfig"]["seed"] == folded


async def test_a_prompt_of_megabytes_is_written_as_a_small_one_is(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    text = "naïve text " * 20_000
    body = await sent(gemini_twin, gemini, user(text), said("yes"), user("and?"))
    assert turns(body) == [("user", [text]), ("model", ["yes"]), ("user", ["and?"])]


async def test_what_google_answers_a_retired_model_with_is_told_and_its_rules_are_kept(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    call: Call = changed(CLOUD_CALL, model="gemini-2.5-flash", messages=(user("x"),), temperature=0.3)
    whole = await answer(gemini, call)
    assert whole.answering == "gemini-3.5-flash-lite"
    assert gemini.ignores(call) == ("temperature",)
    await answer(gemini, changed(call, messages=(user("x"), CALLED, TOLD), tools=(WEATHER,)))
    await answer(gemini, changed(call, messages=(user("x"), said("y"))))
