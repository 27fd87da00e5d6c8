"""The Gemini twin refuses what Google refuses, in Google's words."""

from typing import Any

import httpx
import pytest

from backends.rehearsal.behaviour import TwinModel
from backends.rehearsal.gemini_rules import PLACEHOLDERS, call_signature
from backends.rehearsal.process import Twins

LITE, FLASH_3, PRO_3, OLD, OLD_PRO = (
    "gemini-3.5-flash-lite",
    "gemini-3-flash-preview",
    "gemini-3.1-pro-preview",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
)
USER: dict[str, Any] = {"role": "user", "parts": [{"text": "What is the weather?"}]}
SAID: dict[str, Any] = {"role": "model", "parts": [{"text": "It is fine."}]}
DECLARED = [{"functionDeclarations": [{"name": "get_weather", "description": "d"}]}]


def called(*signatures: str | None, city: str = "Paris") -> dict[str, Any]:
    part = {"functionCall": {"name": "get_weather", "args": {"city": city}}}
    return {"role": "model", "parts": [part | ({"thoughtSignature": each} if each else {}) for each in signatures]}


def told(count: int = 1) -> dict[str, Any]:
    part = {"functionResponse": {"name": "get_weather", "response": {"result": "12 C"}}}
    return {"role": "user", "parts": [part] * count}


SIGNATURE = call_signature("get_weather", {"city": "Paris"})


async def posted(pair: Twins, model: str, contents: list[Any], **more: Any) -> tuple[int, dict[str, Any]]:
    async with httpx.AsyncClient(base_url=pair.gemini.url, headers={"x-goog-api-key": "k"}) as http:
        answer = await http.post(f"/v1beta/models/{model}:generateContent", json={"contents": contents, **more})
    return answer.status_code, answer.json()


async def refused(pair: Twins, model: str, contents: list[Any], **more: Any) -> str:
    """Google's words; "" where it answers."""
    status, body = await posted(pair, model, contents, **more)
    return "" if status == 200 else str(body["error"]["message"])


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ([USER, called(SIGNATURE), told()], ""),
        ([USER, called(SIGNATURE, None), told(2)], ""),
        ([USER, called(None), told(), USER], ""),
        ([USER, called(SIGNATURE), told(), called(SIGNATURE), told()], ""),
        ([USER, called(PLACEHOLDERS[0]), told()], ""),
        ([USER, called(None), told()], "missing a thought_signature"),
        ([USER, called(None, SIGNATURE), told(2)], "missing a thought_signature"),
        ([USER, called(SIGNATURE), told(), called(None), told()], "position 4"),
        ([USER, called(SIGNATURE, city="Rome"), told()], "Corrupted thought signature"),
        ([USER, called("none"), told()], "Corrupted thought signature"),
    ],
)
async def test_gemini_3_wants_its_signatures_back_within_the_turn(pair: Twins, contents: list[Any], words: str) -> None:
    said = await refused(pair, FLASH_3, contents, tools=DECLARED)
    assert words in said
    assert bool(said) == bool(words)


async def test_models_before_it_want_none(pair: Twins) -> None:
    assert await refused(pair, OLD, [USER, called(None), told()], tools=DECLARED) == ""


async def test_its_own_signatures_come_with_calls_and_with_the_last_text(pair: Twins) -> None:
    _, first = await posted(pair, LITE, [USER], tools=DECLARED)
    content = first["candidates"][0]["content"]
    assert content["parts"][0]["thoughtSignature"]
    status, second = await posted(pair, LITE, [USER, content, told()], tools=DECLARED)
    assert status == 200
    last = second["candidates"][0]["content"]
    assert last["parts"][-1]["thoughtSignature"]
    assert await refused(pair, LITE, [USER, content, told(), last, USER], tools=DECLARED) == ""


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ([SAID, called(SIGNATURE), told()], "function call turn comes immediately after a user turn"),
        ([called(SIGNATURE), told()], "function call turn comes immediately after a user turn"),
        ([USER, told()], "function response turn comes immediately after a function call turn"),
        ([USER, called(SIGNATURE, None), told()], "number of function response parts"),
        ([USER, called(SIGNATURE), USER], "number of function response parts"),
        ([{"role": "user", "parts": []}], "must not be empty"),
        ([{"role": "user", "parts": [{"text": ""}]}], "one initialized"),
        ([{"role": "user", "parts": [{}]}], "one initialized"),
        ([{"role": "user", "parts": [{"inlineData": {"mimeType": "image/gif", "data": "AA=="}}]}], "MIME type"),
    ],
)
async def test_turns_stand_in_googles_order(pair: Twins, contents: list[Any], words: str) -> None:
    assert words in await refused(pair, OLD, contents, tools=DECLARED)


@pytest.mark.parametrize(("model", "words"), [(LITE, "ending with a model turn"), (FLASH_3, ""), (OLD, "")])
async def test_some_models_want_the_last_turn_to_be_the_users(pair: Twins, model: str, words: str) -> None:
    said = await refused(pair, model, [USER, SAID])
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("model", "config", "words"),
    [
        (LITE, {"thinkingConfig": {"thinkingLevel": "LOW"}}, ""),
        (LITE, {"thinkingConfig": {"thinkingBudget": 100}}, ""),
        (LITE, {"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 100}}, "only set only one"),
        (LITE, {"thinkingConfig": {"thinkingLevel": "XHIGH"}}, "Thinking level XHIGH is not supported"),
        (PRO_3, {"thinkingConfig": {"thinkingLevel": "minimal"}}, "Thinking level MINIMAL is not supported"),
        (OLD, {"thinkingConfig": {"thinkingLevel": "LOW"}}, "thinking_level is not supported"),
        (OLD, {"thinkingConfig": {"thinkingBudget": 30_000}}, "thinking budget (30000) is invalid"),
        (OLD_PRO, {"thinkingConfig": {"thinkingBudget": 0}}, "only works in thinking mode"),
        (OLD_PRO, {"thinkingConfig": {"thinkingBudget": -1}}, ""),
        (LITE, {"frequencyPenalty": 0.1}, "Penalty is not enabled"),
        (OLD, {"presencePenalty": 0.1}, "Penalty is not enabled"),
        (LITE, {"presencePenalty": 0.0, "temperature": 0.5}, ""),
        (LITE, {"seed": 2**31}, "TYPE_INT32"),
        (LITE, {"stopSequences": list("abcdef")}, "at most 5"),
        (OLD, {"responseMimeType": "application/json"}, "Function calling with a response mime type"),
        (LITE, {"responseMimeType": "application/json"}, ""),
    ],
)
async def test_settings_are_taken_as_the_model_takes_them(
    pair: Twins, model: str, config: dict[str, Any], words: str
) -> None:
    said = await refused(pair, model, [USER], tools=DECLARED, generationConfig=config)
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize("names", [["3d_print"], ["a" * 65], ["a b"], ["same", "same"]])
async def test_functions_have_names_within_the_rules_and_each_its_own(pair: Twins, names: list[str]) -> None:
    declared = [{"functionDeclarations": [{"name": name} for name in names]}]
    assert "unction" in await refused(pair, LITE, [USER], tools=declared)


async def test_a_refusal_costs_nothing(pair: Twins) -> None:
    await refused(pair, FLASH_3, [USER, called(None), told()])
    assert not pair.gemini.usage.calls


async def test_a_model_that_has_ended_is_answered_for_under_its_successors_rules(pair: Twins) -> None:
    ended = TwinModel(name="gemini-2.5-flash", answered_by=LITE)
    pair.gemini.behaviour = type(pair.gemini.behaviour)(models=(ended, TwinModel(name=LITE)))
    status, body = await posted(pair, "gemini-2.5-flash", [USER])
    assert (status, body["modelVersion"]) == (200, LITE)
    assert "ending with a model turn" in await refused(pair, "gemini-2.5-flash", [USER, SAID])
