import json
import re
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Call, Finished
from backends.engines.gemini import GeminiClient
from backends.engines.gemini.gemini_errors import gemini_error
from backends.errors import EngineErrorKind
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.settings.engines import GeminiSettings
from backends.types import Media, Message, ResponseFormat, Tokens, Tool, ToolCall
from tests.backends.engines.rig import (
    API_KEY,
    CLOUD_CALL,
    CLOUD_ENDPOINT,
    KEY,
    Answer,
    answer,
    candidate,
    failure,
    response,
    sse,
    wire,
)

SCHEMA = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "string"}}}}}
WEATHER = Tool(name="get_weather", description="Weather now", parameters=SCHEMA)


async def sent(twin: GeminiTwin, engine: GeminiClient, call: Call) -> dict[str, Any]:
    """The body that the twin received for this call."""
    await answer(engine, call)
    body: dict[str, Any] = json.loads(twin.seen[-1].body)
    return body


def spelt(table: dict[str, Any], name: str) -> Any:
    """A field in either spelling: Gemini takes both, and its client writes now this, now that."""
    snake = re.sub("[A-Z]", lambda capital: "_" + capital[0].lower(), name)
    return table[name] if name in table else table[snake]


async def said(*events: Any) -> Answer:
    """The answer that these events make."""
    async with wire(response(sse(*events))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        whole = await answer(engine, CLOUD_CALL)
        await engine.close()
    return whole


async def test_an_answer_comes_in_pieces_and_ends_with_usage_and_a_reason(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    whole = await answer(gemini, CLOUD_CALL)
    record = gemini_twin.usage.calls[-1]
    assert whole.tokens == Tokens(input=record.input, output=record.output, thinking=record.thinking)
    assert record.thinking > 0
    assert whole.chunks[-1] == Finished(finish="stop")
    assert len(whole.text) > 20


async def test_thinking_has_room_beside_the_answer(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    budgeted = changed(CLOUD_CALL, model="gemini-2.5-flash-lite")
    call = changed(budgeted, temperature=0.5, top_p=0.9, seed=7, stop=("END",))
    config = (await sent(gemini_twin, gemini, call))["generationConfig"]
    assert config["maxOutputTokens"] == 264
    assert spelt(config["thinkingConfig"], "thinkingBudget") == 64
    assert (config["temperature"], config["topP"], config["seed"], config["stopSequences"]) == (0.5, 0.9, 7, ["END"])
    bare = (await sent(gemini_twin, gemini, changed(budgeted, thinking_budget=None)))["generationConfig"]
    assert bare["maxOutputTokens"] == 200
    assert "thinkingConfig" not in bare
    off = (await sent(gemini_twin, gemini, changed(budgeted, thinking_budget=0)))["generationConfig"]
    assert spelt(off["thinkingConfig"], "thinkingBudget") == 0


async def test_a_conversation_with_images_and_tools_is_passed_on(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    calls = (ToolCall(id="a", name="get_weather", arguments='{"x": 1}'), ToolCall(id="b", name="other", arguments=""))
    call = changed(
        CLOUD_CALL,
        tools=(WEATHER,),
        messages=(
            Message(role="system", text="Be brief."),
            Message(role="system", text="Be kind."),
            Message(role="user", text="look", media=(Media(media_type="image/png", data=b"\x89PNG"),)),
            Message(role="assistant", tool_calls=calls),
            Message(role="tool", text='{"degrees": 12}', tool_call_id="a"),
            Message(role="tool", text="none", tool_call_id="b"),
            Message(role="user", text=""),
        ),
    )
    body = await sent(gemini_twin, gemini, call)
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief.\n\nBe kind."}]
    roles = [turn["role"] for turn in body["contents"]]
    assert roles == ["user", "model", "user"]
    look, called, results = (turn["parts"] for turn in body["contents"])
    image = look[0]["inlineData"]
    assert image["data"] == "iVBORw=="
    assert spelt(image, "mimeType") == "image/png"
    assert look[1] == {"text": "look"}
    assert [part["functionCall"] for part in called] == [
        {"id": "a", "name": "get_weather", "args": {"x": 1}},
        {"id": "b", "name": "other", "args": {}},
    ]
    assert [part["functionResponse"] for part in results] == [
        {"id": "a", "name": "get_weather", "response": {"degrees": 12}},
        {"id": "b", "name": "other", "response": {"result": "none"}},
    ]
    declaration = spelt(body["tools"][0], "functionDeclarations")[0]
    assert spelt(declaration, "parametersJsonSchema") == SCHEMA


async def test_a_prompt_of_system_messages_alone_is_still_asked(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    body = await sent(gemini_twin, gemini, changed(CLOUD_CALL, messages=(Message(role="system", text="Say hi."),)))
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Say hi."}]}]


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("get_weather", {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
    ],
)
async def test_a_tool_choice_is_passed_on(
    gemini: GeminiClient, gemini_twin: GeminiTwin, choice: str, wanted: dict[str, Any]
) -> None:
    body = await sent(gemini_twin, gemini, changed(CLOUD_CALL, tools=(WEATHER,), tool_choice=choice))
    assert body["toolConfig"]["functionCallingConfig"] == wanted


async def test_a_format_is_passed_on(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    form = ResponseFormat(kind="schema", schema=SCHEMA)
    config = (await sent(gemini_twin, gemini, changed(CLOUD_CALL, response_format=form)))["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == SCHEMA
    json_only = changed(CLOUD_CALL, response_format=ResponseFormat(kind="json"))
    assert "responseJsonSchema" not in (await sent(gemini_twin, gemini, json_only))["generationConfig"]


async def test_tool_calls_are_given_on(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    messages = (Message(role="user", text="what is the weather?"),)
    whole = await answer(gemini, changed(CLOUD_CALL, messages=messages, tools=(WEATHER,)))
    assert [call.name for call in whole.calls] == ["get_weather"]
    assert isinstance(json.loads(whole.calls[0].arguments), dict)
    assert gemini_twin.usage.requests.total() == 1


async def test_a_tool_call_without_an_id_gets_one() -> None:
    part = {"functionCall": {"name": "f", "args": {"a": 1}}}
    whole = await said({"candidates": [{"content": {"parts": [part, part]}, "finishReason": "STOP"}]})
    assert whole.calls == (
        ToolCall(id="call_r1_1", name="f", arguments='{"a":1}'),
        ToolCall(id="call_r1_2", name="f", arguments='{"a":1}'),
    )


async def test_thoughts_are_no_text() -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "yes"}]
    whole = await said({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
    assert whole.text == "yes"


async def test_tokens_of_tool_use_are_input_and_cached_ones_are_in_the_prompt() -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "toolUsePromptTokenCount": 7,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 3,
    }
    whole = await said(candidate("x", "STOP", usageMetadata=usage))
    assert whole.tokens == Tokens(input=107, output=5, thinking=3, cached_input=60)


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "CONTINUATION"])
async def test_an_answer_at_its_cap_has_its_length(reason: str) -> None:
    whole = await said(candidate("x", reason))
    assert whole.finished == Finished(finish="length", reason=reason)


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "OTHER"])
async def test_a_blocked_answer_says_why(reason: str) -> None:
    whole = await said(candidate("x"), candidate(None, reason))
    assert whole.finished == Finished(finish="blocked", reason=reason)
    assert whole.text == "x"


@pytest.mark.filterwarnings("ignore:.*is not a valid FinishReason")
async def test_a_reason_that_nobody_knows_is_no_stop() -> None:
    whole = await said(candidate("x", "NEW_REASON"))
    assert whole.finished == Finished(finish="blocked", reason="NEW_REASON")


async def test_an_unspecified_reason_is_none() -> None:
    async with wire(response(sse(candidate("x", "FINISH_REASON_UNSPECIFIED")))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        error = await failure(engine, CLOUD_CALL)
        await engine.close()
    assert error.kind == "cut"


@pytest.mark.parametrize("key", [None, "", "with space", "schlüssel", "line\nbreak"])
async def test_a_key_that_cannot_be_is_refused_before_the_call(gemini_twin: GeminiTwin, key: str | None) -> None:
    engine = GeminiClient("cloud", GeminiSettings(base_url=gemini_twin.url), key)
    await engine.prepare()
    error = await failure(engine, CLOUD_CALL)
    await engine.close()
    assert error.kind == "key"
    assert "GEMINI_API_KEY" in str(error)
    assert not key or key not in str(error)
    assert gemini_twin.usage.requests == {}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"status": "INVALID_ARGUMENT", "message": "Bad field"}}, "rejected"),
        (400, {"error": {"message": "The input token count (9) exceeds the maximum number"}}, "context"),
        (400, {"error": {"message": "API key expired. Please renew the API key."}}, "key"),
        (413, "too large", "rejected"),
        (408, None, "unavailable"),
        (504, [{"error": {"message": "deadline"}}], "unavailable"),
        (500, {"error": "no object"}, "unavailable"),
        (429, {"error": {"details": "none"}}, "rate-limited"),
        (429, {"error": {"details": [3, {"violations": 4}, {"retryDelay": "soon"}]}}, "rate-limited"),
    ],
)
def test_error_answers_of_any_shape_are_understood(status: int, body: Any, kind: EngineErrorKind) -> None:
    error = gemini_error(status, body, model="m", key=API_KEY, endpoint=CLOUD_ENDPOINT)
    assert (error.kind, error.status, error.billed, error.retry_after_s) == (kind, status, False, None)


def test_a_prompt_that_google_finds_too_long_is_told_in_the_words_that_clients_know() -> None:
    said = "The input token count (1100005) exceeds the maximum number of tokens allowed (1048576)."
    error = gemini_error(400, {"error": {"message": said}}, model="m", key=API_KEY, endpoint=CLOUD_ENDPOINT)
    assert str(error).startswith("This model's maximum context length is 1048576 tokens.")
    assert "1100005 tokens" in str(error)
    assert "context_length_exceeded" in str(error)


async def test_a_schema_that_the_client_does_not_take_is_refused_before_the_call(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    error = await failure(gemini, changed(CLOUD_CALL, stop=(3,)))
    assert error.kind == "rejected"
    assert gemini_twin.usage.requests == {}


async def test_a_later_instruction_stays_where_it_stands(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    """In front it would change the beginning of the prompt, which Gemini has cached."""
    messages = (
        Message(role="system", text="Be brief."),
        Message(role="user", text="Hi"),
        Message(role="assistant", text="Hello."),
        Message(role="system", text="Now in French."),
    )
    body = await sent(gemini_twin, gemini, changed(CLOUD_CALL, messages=messages))
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert body["contents"][-1] == {"role": "user", "parts": [{"text": "Now in French."}]}
