"""Thought signatures: read to the letter, sent back to the letter, found again where a client dropped them."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.gemini import GeminiClient
from backends.engines.gemini.generate_body import PLACEHOLDER
from backends.engines.gemini.signature_store import SignatureStore
from backends.engines.gemini.stream import SIGNATURES_LEFT_OUT
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.settings.engines import GeminiSettings
from backends.types import Message, Tool, ToolCall
from tests.backends.engines.rig import CLOUD_CALL, KEY, answer, failure, response, sse, wire

WEATHER = Tool(name="get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
ASKED = Message(role="user", text="what is the weather?")
SIGNATURES = ["c2lnbmF0dXJl", "a+/bcQ==", "a-_bcQ==", "signature_REDACTED_1"]


def event(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}]}


def call_part(signature: str | None, id: str | None = "g1") -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}}
    if id is not None:
        part["functionCall"]["id"] = id
    return part | ({"thoughtSignature": signature} if signature else {})


def parts_of(request: bytes) -> list[dict[str, Any]]:
    body = json.loads(request.partition(b"\r\n\r\n")[2])
    return [part for turn in body["contents"] for part in turn["parts"]]


@pytest.mark.parametrize("signature", SIGNATURES)
async def test_a_signature_comes_and_goes_to_the_letter(signature: str) -> None:
    async with wire(response(sse(event(call_part(signature))))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        whole = await answer(engine, CLOUD_CALL)
        [call] = whole.calls
        assert (call.signature, call.id) == (signature, "g1")
        told = Message(role="tool", text="31 C", tool_call_id="g1", name="get_weather")
        history = (ASKED, Message(role="assistant", tool_calls=whole.calls), told)
        await answer(engine, changed(CLOUD_CALL, messages=history))
        await engine.close()
    sent = next(part for part in parts_of(server.requests[-1]) if "functionCall" in part)
    assert sent == {
        "functionCall": {"id": "g1", "name": "get_weather", "args": {"city": "Rome"}},
        "thoughtSignature": signature,
    }


@pytest.mark.parametrize(
    "last", [{"text": "Rome.", "thoughtSignature": "a+/b"}, {"text": "", "thoughtSignature": "a+/b"}]
)
async def test_a_signature_of_a_text_comes_and_goes_too(last: dict[str, Any]) -> None:
    async with wire(response(sse(event({"text": "In "}), event(last)))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        whole = await answer(engine, CLOUD_CALL)
        assert whole.text == "In " + last["text"]
        assert whole.signature == "a+/b"
        spoken = Message(role="assistant", text=whole.text, signature=whole.signature)
        await answer(engine, changed(CLOUD_CALL, messages=(ASKED, spoken, ASKED)))
        await engine.close()
    assert parts_of(server.requests[-1])[1] == {"text": whole.text, "thoughtSignature": "a+/b"}


async def test_a_call_of_another_engine_goes_up_with_googles_placeholder_on_the_first_of_a_step(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    wanted = tuple(ToolCall(id=id, name="get_weather", arguments="{}") for id in "ab")
    told = tuple(Message(role="tool", text="1", tool_call_id=id, name="get_weather") for id in "ab")
    history = (ASKED, Message(role="assistant", tool_calls=wanted), *told)
    await answer(gemini, changed(CLOUD_CALL, messages=history, tools=(WEATHER,)))
    parts = json.loads(gemini_twin.seen[-1].body)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [PLACEHOLDER, None]


@pytest.mark.parametrize(("model", "wanted"), [("gemini-2.5-flash-lite", None), ("gemini-2.0-flash", PLACEHOLDER)])
async def test_a_model_that_asks_for_none_gets_none_until_another_one_answers_for_it(
    model: str, wanted: str | None
) -> None:
    async with wire(response(sse(event({"text": "x"})))) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        calls = (ToolCall(id="a", name="f", arguments="{}"),)
        told = Message(role="tool", text="1", tool_call_id="a", name="f")
        history = (ASKED, Message(role="assistant", tool_calls=calls), told)
        await answer(engine, changed(CLOUD_CALL, model=model, messages=history))
        await engine.close()
    assert parts_of(server.requests[-1])[1].get("thoughtSignature") == wanted


@pytest.mark.parametrize("odd", ["", "no base64!", "a\nb", "ä"])
async def test_what_cannot_be_a_signature_is_not_sent(odd: str, gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    wanted = (ToolCall(id="a", name="get_weather", arguments="{}", signature=odd),)
    told = Message(role="tool", text="1", tool_call_id="a", name="get_weather")
    spoken = Message(role="assistant", text="hm", tool_calls=wanted, signature=odd)
    await answer(gemini, changed(CLOUD_CALL, messages=(ASKED, spoken, told), tools=(WEATHER,)))
    parts = json.loads(gemini_twin.seen[-1].body)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [None, PLACEHOLDER]


async def test_a_signature_of_another_call_costs_a_note_and_no_answer(
    gemini: GeminiClient, gemini_twin: GeminiTwin
) -> None:
    whole = await answer(gemini, changed(CLOUD_CALL, messages=(ASKED,), tools=(WEATHER,)))
    wrong = changed(whole.calls[0], arguments='{"city": "elsewhere"}')
    told = Message(role="tool", text="1", tool_call_id=wrong.id, name=wrong.name)
    history = (ASKED, Message(role="assistant", tool_calls=(wrong,)), told)
    again = await answer(gemini, changed(CLOUD_CALL, messages=history, tools=(WEATHER,)))
    assert again.finished is not None
    assert (again.finished.finish, again.finished.notes) == ("stop", (SIGNATURES_LEFT_OUT,))


async def test_what_a_client_dropped_is_found_again_after_a_restart(tmp_path: Path) -> None:
    said = {"text": "I look.", "thoughtSignature": "a+/b"}
    twice = (call_part("b+/c", None), call_part(None, None))
    async with wire(response(sse(event(said, *twice))), response(sse(event({"text": "31 C"})))) as server:
        store = SignatureStore(tmp_path / "signatures.db", b"k")
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY, signatures=store)
        whole = await answer(engine, CLOUD_CALL)
        await engine.close()
        await store.close()
        dropped = tuple(changed(call, signature=None, arguments='{ "city":"Rome" }') for call in whole.calls)
        told = tuple(Message(role="tool", text="1", tool_call_id=call.id, name=call.name) for call in dropped)
        spoken = Message(role="assistant", text=" I look.\n", tool_calls=dropped)
        store = SignatureStore(tmp_path / "signatures.db", b"k")
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY, signatures=store)
        await answer(engine, changed(CLOUD_CALL, messages=(ASKED, spoken, *told)))
        await engine.close()
        await store.close()
    assert [part.get("thoughtSignature") for part in parts_of(server.requests[-1])][1:4] == ["a+/b", "b+/c", None]


@pytest.mark.parametrize("of_text", [False, True])
async def test_a_signature_that_is_refused_is_left_out_and_the_call_answered(
    gemini: GeminiClient, gemini_twin: GeminiTwin, of_text: bool
) -> None:
    """A client may change a call and keep its seal, or have it from elsewhere: OpenAI would not mind."""
    wanted = ToolCall(id="a", name="get_weather", arguments='{"city": "Rome"}', signature=None if of_text else "AAAA")
    spoken = Message(role="assistant", text="I look.", tool_calls=(wanted,), signature="AAAA" if of_text else None)
    told = Message(role="tool", text="31 C", tool_call_id="a", name="get_weather")
    whole = await answer(gemini, changed(CLOUD_CALL, messages=(ASKED, spoken, told), tools=(WEATHER,)))
    assert whole.text
    assert whole.finished is not None
    assert whole.finished.notes == (SIGNATURES_LEFT_OUT,)
    parts = json.loads(gemini_twin.seen[-1].body)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [None, PLACEHOLDER]


async def test_a_refused_signature_is_told_where_leaving_it_out_does_not_help() -> None:
    said = json.dumps({"error": {"code": 400, "message": "Thought signature is not valid"}}).encode()
    async with wire(response(said, status="400 Bad Request", kind="application/json")) as server:
        engine = GeminiClient("cloud", GeminiSettings(base_url=server.url), KEY)
        spoken = Message(role="assistant", text="In Rome.", signature="AAAA")
        error = await failure(engine, changed(CLOUD_CALL, messages=(ASKED, spoken, ASKED)))
        await engine.close()
    assert "thought signature" in str(error)
    assert len(server.requests) == 2
