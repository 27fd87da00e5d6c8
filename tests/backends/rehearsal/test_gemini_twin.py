import asyncio
from datetime import timedelta
from decimal import Decimal

import httpx
import msgspec
import pytest
from google.genai import errors, types
from google.genai.client import AsyncClient
from msgspec.structs import replace

from backends.rehearsal.behaviour import Counted, TwinModel
from backends.rehearsal.process import Twins
from backends.rehearsal.scripted_answers import count
from tests.backends.rehearsal.requests import FLASH, PROMPT, flow, generated, text_of, usage_of
from tests.waiting import until

WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="Weather",
    parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}},
)
BODY = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}


def price(input_: int, output: int, cached: int = 0) -> Decimal:
    """Gemini 2.5 Flash's list price, by hand: 0.30, 2.50 and 0.03 dollars a million."""
    return (Decimal(input_ - cached) * 30 + Decimal(output) * 250 + Decimal(cached) * 3) / 100 / 1_000_000


async def test_a_stream_reports_running_totals_and_its_reason_last(pair: Twins, cloud: AsyncClient) -> None:
    parts = await generated(cloud)

    totals = [usage_of(part)[3] for part in parts]
    assert totals == sorted(totals)
    assert len(parts) > 3
    assert [bool(part.candidates and part.candidates[0].finish_reason) for part in parts] == [False] * (
        len(parts) - 1
    ) + [True]
    input_, output, thinking, total = usage_of(parts[-1])
    assert (input_, output) == (count(PROMPT) + 4, count(text_of(parts)))
    assert thinking > 0
    assert total == input_ + output + thinking
    [call] = pair.gemini.usage.calls
    assert (call.input, call.output, call.thinking, call.end) == (input_, output, thinking, "finished")
    assert call.usd == pair.gemini.usage.usd == price(input_, output + thinking)


async def test_without_streaming_the_same_answer_comes_whole(cloud: AsyncClient) -> None:
    whole = await cloud.models.generate_content(model=FLASH, contents=PROMPT)
    parts = await generated(cloud)

    assert whole.text == text_of(parts)
    assert usage_of(whole) == usage_of(parts[-1])


async def test_thinking_obeys_its_budget(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.behaviour = replace(pair.gemini.behaviour, thinking=500)
    budgets = [(0, 0), (128, 128), (2_048, 500)]
    for budget, used in budgets:
        last = (await generated(cloud, thinking_config=types.ThinkingConfig(thinking_budget=budget)))[-1]
        assert usage_of(last)[2] == used


async def test_thoughts_are_shown_when_asked_for(cloud: AsyncClient) -> None:
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=300)
    first = (await generated(cloud, thinking_config=thinking))[0]
    whole = await cloud.models.generate_content(
        model=FLASH, contents=PROMPT, config=types.GenerateContentConfig(thinking_config=thinking)
    )

    assert first.parts and first.parts[0].thought
    assert whole.parts and [bool(part.thought) for part in whole.parts] == [True, False]


async def test_the_cap_holds_for_thinking_and_text_together(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.behaviour = replace(pair.gemini.behaviour, thinking=60)
    cut = (await generated(cloud, max_output_tokens=70))[-1]
    eaten = await generated(cloud, max_output_tokens=50)

    assert cut.candidates and cut.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert usage_of(cut)[1:3] == (10, 60)
    assert text_of(eaten) == ""
    assert eaten[-1].candidates and eaten[-1].candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert usage_of(eaten[-1])[1:3] == (0, 50)


async def test_functions_are_called_and_answered(cloud: AsyncClient) -> None:
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[WEATHER])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    asked = types.Content(role="user", parts=[types.Part(text="How is the weather in Graz?")])
    first = await cloud.models.generate_content(model=FLASH, contents=[asked], config=config)

    assert first.function_calls
    called = first.function_calls[0]
    assert called.name == "get_weather"
    assert called.args and isinstance(called.args["city"], str)
    told = types.Part.from_function_response(name="get_weather", response={"degrees": 9})
    assert first.candidates and first.candidates[0].content
    second = await cloud.models.generate_content(
        model=FLASH,
        contents=[asked, first.candidates[0].content, types.Content(role="user", parts=[told])],
        config=config,
    )
    assert second.text
    assert not second.function_calls


@pytest.mark.parametrize(("mode", "calls"), [("ANY", True), ("AUTO", False), ("NONE", False)])
async def test_the_calling_mode_decides(cloud: AsyncClient, mode: str, calls: bool) -> None:
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[WEATHER])],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode=mode)),  # type: ignore[arg-type]
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    answer = await cloud.models.generate_content(model=FLASH, contents=PROMPT, config=config)

    assert bool(answer.function_calls) is calls


async def test_an_answer_fits_the_schema(cloud: AsyncClient) -> None:
    schema = types.Schema(
        type=types.Type.OBJECT,
        properties={
            "label": types.Schema(type=types.Type.STRING, enum=["bug", "billing"]),
            "scores": types.Schema(type=types.Type.ARRAY, items=types.Schema(type=types.Type.INTEGER)),
        },
    )
    parts = await generated(cloud, response_mime_type="application/json", response_schema=schema)

    found = msgspec.json.decode(text_of(parts))
    assert found["label"] in ("bug", "billing")
    assert all(isinstance(score, int) for score in found["scores"])


async def test_counting_costs_nothing_and_is_what_is_billed(pair: Twins, cloud: AsyncClient) -> None:
    counted = await cloud.models.count_tokens(model=FLASH, contents=PROMPT)
    parts = await generated(cloud)

    assert counted.total_tokens == usage_of(parts[-1])[0]
    assert len(pair.gemini.usage.calls) == 1


async def test_an_explicit_cache_is_billed_at_its_price(pair: Twins, cloud: AsyncClient) -> None:
    kept = await cloud.caches.create(
        model=FLASH, config=types.CreateCachedContentConfig(contents=["fact " * 1_500], ttl="60s", display_name="facts")
    )
    assert kept.name and kept.usage_metadata
    parts = await generated(cloud, cached_content=kept.name)

    found = parts[-1].usage_metadata
    assert found is not None
    assert found.cached_content_token_count == kept.usage_metadata.total_token_count == 1_505
    input_, output, thinking, _ = usage_of(parts[-1])
    assert input_ == 1_505 + count(PROMPT) + 4
    written_usd, answered_usd = (call.usd for call in pair.gemini.usage.calls)
    assert answered_usd == price(input_, output + thinking, 1_505)
    assert written_usd == price(1_505, 0, 0) + Decimal(1_505 * 60) / 3600 / 1_000_000
    assert (await cloud.caches.get(name=kept.name)).display_name == "facts"
    assert [one.name async for one in await cloud.caches.list()] == [kept.name]
    await cloud.caches.delete(name=kept.name)
    with pytest.raises(errors.ClientError, match="CachedContent not found"):
        await generated(cloud, cached_content=kept.name)
    with pytest.raises(errors.ClientError):
        await cloud.caches.delete(name=kept.name)


async def test_a_cache_lives_longer_for_the_price_of_what_is_added(pair: Twins, cloud: AsyncClient) -> None:
    kept = await cloud.caches.create(
        model=FLASH, config=types.CreateCachedContentConfig(contents=["fact " * 1_500], ttl="60s")
    )
    assert kept.name and kept.expire_time
    longer = await cloud.caches.update(name=kept.name, config=types.UpdateCachedContentConfig(ttl="120s"))
    assert longer.expire_time
    assert longer.expire_time - kept.expire_time >= timedelta(seconds=60)
    added_usd = float(pair.gemini.usage.calls[-1].usd)
    assert added_usd == pytest.approx(1_505 * 60 / 3600 / 1_000_000, rel=0.05)


async def test_beside_a_cache_no_instruction_no_tools_and_no_other_model_are_taken(cloud: AsyncClient) -> None:
    kept = await cloud.caches.create(model=FLASH, config=types.CreateCachedContentConfig(contents=["fact " * 1_500]))
    with pytest.raises(errors.ClientError, match="can not be used with GenerateContent request"):
        await generated(cloud, cached_content=kept.name, system_instruction="Be brief.")
    with pytest.raises(errors.ClientError, match="has to be the same"):
        await cloud.models.generate_content(
            model="gemini-2.5-pro",
            contents=PROMPT,
            config=types.GenerateContentConfig(cached_content=kept.name),
        )


async def test_a_small_cache_is_refused(cloud: AsyncClient) -> None:
    with pytest.raises(errors.ClientError, match="too small"):
        await cloud.caches.create(model=FLASH, config=types.CreateCachedContentConfig(contents=["few"]))


async def test_a_cache_expires(cloud: AsyncClient) -> None:
    kept = await cloud.caches.create(
        model=FLASH, config=types.CreateCachedContentConfig(contents=["fact " * 1_500], ttl="0s")
    )
    assert kept.name
    with pytest.raises(errors.ClientError, match="not found"):
        await cloud.caches.get(name=kept.name)


async def test_a_long_system_instruction_is_cached_by_itself_the_second_time(cloud: AsyncClient) -> None:
    rules = "rule " * 1_200
    first, second = [(await generated(cloud, system_instruction=rules))[-1].usage_metadata for _ in range(2)]

    assert first is not None and not first.cached_content_token_count
    assert second is not None and second.cached_content_token_count == 1_201


async def test_models(pair: Twins, cloud: AsyncClient) -> None:
    retired = TwinModel(name="gemini-1.5-flash", retired=True)
    pair.gemini.behaviour = replace(pair.gemini.behaviour, models=(*pair.gemini.behaviour.models, retired))
    names = [model.name async for model in await cloud.models.list()]

    assert f"models/{FLASH}" in names
    assert "models/gemini-1.5-flash" not in names
    assert (await cloud.models.get(model=FLASH)).input_token_limit == 1_048_576
    with pytest.raises(errors.ClientError, match="no longer available"):
        await cloud.models.get(model="gemini-1.5-flash")
    with pytest.raises(errors.ClientError, match="not found for API version"):
        await cloud.models.generate_content(model="gemini-9", contents=PROMPT)


async def test_a_prompt_beyond_the_window_is_refused(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.behaviour = replace(pair.gemini.behaviour, models=(TwinModel(name=FLASH, context=8),))
    with pytest.raises(errors.ClientError, match="exceeds the maximum number of tokens allowed"):
        await generated(cloud)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_both_spellings_under_both_versions(pair: Twins, version: str) -> None:
    pair.gemini.behaviour = replace(pair.gemini.behaviour, thinking=90)
    snake = {
        "contents": BODY["contents"],
        "system_instruction": {"parts": [{"text": "brief"}]},
        "generation_config": {"max_output_tokens": 40, "thinking_config": {"thinking_budget": 7}},
    }
    camel = {
        "contents": BODY["contents"],
        "systemInstruction": {"parts": [{"text": "brief"}]},
        "generationConfig": {"maxOutputTokens": 40, "thinkingConfig": {"thinkingBudget": 7}},
    }
    async with httpx.AsyncClient(base_url=pair.gemini.url, headers={"x-goog-api-key": "k"}) as http:
        path = f"/{version}/models/{FLASH}:generateContent"
        one, two = [(await http.post(path, json=body)).json() for body in (snake, camel)]

    assert one["usageMetadata"] == two["usageMetadata"]
    assert one["usageMetadata"]["thoughtsTokenCount"] == 7
    assert one["usageMetadata"]["candidatesTokenCount"] == 33


async def test_without_alt_sse_a_stream_is_one_array(pair: Twins) -> None:
    async with httpx.AsyncClient(base_url=pair.gemini.url, headers={"x-goog-api-key": "k"}) as http:
        events = (await http.post(f"/v1beta/models/{FLASH}:streamGenerateContent", json=BODY)).json()

    assert events[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(
    "path",
    ["models", f"models/{FLASH}", "cachedContents", "cachedContents/x"],
)
async def test_no_key_no_service(pair: Twins, path: str) -> None:
    async with httpx.AsyncClient(base_url=pair.gemini.url) as http:
        refused = [
            await http.get(f"/v1beta/{path}"),
            await http.post(f"/v1beta/models/{FLASH}:generateContent", json=BODY),
        ]
        refused += [await http.post("/v1beta/cachedContents", json=BODY), await http.delete("/v1beta/cachedContents/x")]

    assert {(one.status_code, one.json()["error"]["status"]) for one in refused} == {(403, "PERMISSION_DENIED")}


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("generateContent", b"{"),
        ("generateContent", b'{"contents": []}'),
        ("generateContent", b'{"contents": ["a"], "generationConfig": {"maxOutputTokens": 0}}'),
        ("countTokens", b"{}"),
    ],
)
async def test_wrong_requests_are_invalid_arguments(pair: Twins, verb: str, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=pair.gemini.url, headers={"x-goog-api-key": "k"}) as http:
        answer = await http.post(f"/v1beta/models/{FLASH}:{verb}", content=body)

    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert not pair.gemini.usage.calls


async def test_counts_can_be_set(pair: Twins, cloud: AsyncClient) -> None:
    counted = Counted(input=1_000, output=200, thinking=50, cached=400)
    pair.gemini.behaviour = replace(pair.gemini.behaviour, counted=counted)
    last = (await generated(cloud))[-1]

    assert usage_of(last) == (1_000, 200, 50, 1_250)
    assert pair.gemini.usage.usd == price(1_000, 250, 400)


async def test_a_caller_that_leaves_pays_for_what_was_made(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.behaviour = replace(pair.gemini.behaviour, tokens_per_s=200.0, thinking=30)
    seen: list[types.GenerateContentResponse] = []

    async def read() -> None:
        async for part in await flow(cloud):
            seen.append(part)

    reading = asyncio.create_task(read())
    await until(lambda: bool(seen))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    await until(lambda: pair.gemini.usage.open == 0)
    [call] = pair.gemini.usage.calls
    assert call.end == "aborted"
    assert call.output >= usage_of(seen[-1])[1] > 0
    assert call.usd == price(call.input, call.output + 30)
