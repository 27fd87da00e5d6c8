"""The cloud rows of the fault matrix, as google-genai sees them."""

import asyncio
from typing import Any

import httpx
import pytest
from google.genai import errors, types
from google.genai.client import AsyncClient

from backends.rehearsal.faults import Fault
from backends.rehearsal.incidents import INCIDENTS
from backends.rehearsal.process import Twins
from tests.backends.rehearsal.requests import flow, generated, text_of, usage_of
from tests.waiting import until

BROKEN = (errors.APIError, httpx.HTTPError)


async def heard(client: AsyncClient) -> tuple[list[types.GenerateContentResponse], Exception | None]:
    """What came, and the error that ended it."""
    parts: list[types.GenerateContentResponse] = []
    try:
        async for part in await flow(client):
            parts.append(part)
    except BROKEN as error:
        return parts, error
    return parts, None


def details(error: Exception | None) -> dict[str, Any]:
    """The error's details by the last word of their type."""
    assert isinstance(error, errors.APIError)
    return {one["@type"].rpartition(".")[2]: one for one in error.details["error"].get("details", [])}


@pytest.mark.parametrize(
    ("incident", "code", "what"),
    [
        ("C1", 429, ("RESOURCE_EXHAUSTED", "exceeded your current quota")),
        ("C2", 429, ("RESOURCE_EXHAUSTED", "exceeded your current quota")),
        ("C2b", 429, ("RESOURCE_EXHAUSTED", "exceeded your current quota")),
        ("C2c", 429, ("RESOURCE_EXHAUSTED", "exceeded your current quota")),
        ("C3", 503, ("UNAVAILABLE", "overloaded")),
        ("C3b", 500, ("INTERNAL", "internal error")),
        ("C10", 400, ("INVALID_ARGUMENT", "API key not valid")),
        ("C10b", 401, ("UNAUTHENTICATED", "credentials")),
        ("C10c", 403, ("PERMISSION_DENIED", "suspended")),
        ("C10d", 400, ("FAILED_PRECONDITION", "location")),
        ("C11", 404, ("NOT_FOUND", "no longer available")),
    ],
)
async def test_refusals_are_googles_error_objects(
    pair: Twins, cloud: AsyncClient, incident: str, code: int, what: tuple[str, str]
) -> None:
    pair.gemini.incident(incident)
    parts, error = await heard(cloud)

    assert not parts
    assert isinstance(error, errors.APIError)
    assert (error.code, error.status) == (code, what[0])
    assert what[1] in (error.message or "")
    [call] = pair.gemini.usage.calls
    assert (call.end, call.status) == ("refused", code)
    assert not call.usd


async def test_quota_details(pair: Twins, cloud: AsyncClient) -> None:
    seen = {}
    for name in ("C1", "C2", "C2b", "C2c"):
        pair.gemini.reset()
        pair.gemini.incident(name)
        seen[name] = details((await heard(cloud))[1])

    assert seen["C1"]["RetryInfo"]["retryDelay"] == "36s"
    assert "PerMinute" in seen["C1"]["QuotaFailure"]["violations"][0]["quotaId"]
    assert "PerDay" in seen["C2"]["QuotaFailure"]["violations"][0]["quotaId"]
    assert "RetryInfo" not in seen["C2"]
    assert seen["C2b"] == {}
    assert {"RetryInfo", "QuotaFailure"} <= set(seen["C2c"])


@pytest.mark.parametrize(("incident", "chunks"), [("C4", 0), ("C5a", 3)])
async def test_silence(pair: Twins, cloud: AsyncClient, incident: str, chunks: int) -> None:
    pair.gemini.incident(incident)
    seen: list[types.GenerateContentResponse] = []

    async def read() -> None:
        async for part in await flow(cloud):
            seen.append(part)

    reading = asyncio.create_task(read())
    await until(lambda: pair.gemini.usage.open == 1 and len(seen) == chunks)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: pair.gemini.usage.open == 0)
    [call] = pair.gemini.usage.calls
    assert call.end == "aborted"
    assert call.input > 0
    assert call.usd > 0


async def test_a_stream_may_end_without_a_reason(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.incident("C5b")
    parts, error = await heard(cloud)

    assert error is None
    assert len(parts) == 3
    assert not any(part.candidates and part.candidates[0].finish_reason for part in parts)
    [call] = pair.gemini.usage.calls
    assert (call.end, call.input, call.output) == ("cut", *usage_of(parts[-1])[:2])


async def test_a_reset_in_mid_stream(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.incident("C5c")
    parts, error = await heard(cloud)

    assert len(parts) <= 3
    assert isinstance(error, httpx.HTTPError)


async def test_an_error_event_in_mid_stream(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.incident("C5d")
    parts, error = await heard(cloud)

    assert len(parts) == 3
    assert isinstance(error, errors.ServerError)
    assert error.code == 503


async def test_thinking_eats_the_cap(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.incident("C6")
    [last] = await generated(cloud, max_output_tokens=77)

    assert last.text is None
    assert last.candidates and last.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert usage_of(last)[1:3] == (0, 77)
    assert pair.gemini.usage.tokens["thinking"] == 77


async def test_a_blocked_prompt_has_no_candidates(pair: Twins, cloud: AsyncClient) -> None:
    pair.gemini.incident("C7")
    [last] = await generated(cloud)

    assert not last.candidates
    assert last.prompt_feedback and last.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


@pytest.mark.parametrize(("incident", "reason", "texts"), [("C7b", "SAFETY", 2), ("C7c", "RECITATION", 0)])
async def test_an_answer_is_blocked(pair: Twins, cloud: AsyncClient, incident: str, reason: str, texts: int) -> None:
    pair.gemini.incident(incident)
    parts = await generated(cloud)

    assert len(parts) == texts + 1
    last = parts[-1].candidates
    assert last and last[0].finish_reason == types.FinishReason(reason)
    assert bool(text_of(parts)) is (texts > 0)
    assert pair.gemini.usage.ends == {"finished": 1}


async def test_odd_usage(pair: Twins, cloud: AsyncClient) -> None:
    usual = await generated(cloud)
    pair.gemini.incident("C8")
    absent = await generated(cloud)
    pair.gemini.incident("C8b")
    zeros = await generated(cloud)
    pair.gemini.incident("C8c")
    lost = await generated(cloud)
    pair.gemini.incident("C8d")
    wrong = await generated(cloud)
    pair.gemini.incident("C8e")
    cached = await generated(cloud)

    texts = {text_of(parts) for parts in (usual, absent, zeros, lost, wrong, cached)}
    assert len(texts) == 1
    assert all(part.usage_metadata is None for part in absent)
    assert usage_of(zeros[0]) == (0, 0, 0, 0)
    assert usage_of(zeros[-1]) == usage_of(usual[-1])
    assert lost[-1].usage_metadata is None
    assert usage_of(lost[-2])[3] > 0
    assert usage_of(wrong[-1])[3] == sum(usage_of(wrong[-1])[:3]) + 7
    found = cached[-1].usage_metadata
    assert found and found.cached_content_token_count and found.prompt_token_count
    assert found.cached_content_token_count > found.prompt_token_count
    assert len({call.usd for call in pair.gemini.usage.calls}) == 1


@pytest.mark.parametrize("incident", ["C9a", "C9b", "C9c", "C9d", "C9e", "C9f", "C9g"])
async def test_odd_wires_carry_the_whole_text(pair: Twins, cloud: AsyncClient, incident: str) -> None:
    usual = await generated(cloud)
    pair.gemini.incident(incident)
    odd, error = await heard(cloud)

    assert error is None
    assert text_of(odd) == text_of(usual)
    reasons = [bool(part.candidates and part.candidates[0].finish_reason) for part in odd]
    expected = {"C9a": [True] * len(odd), "C9b": [True] + [False] * (len(odd) - 1)}
    assert reasons == expected.get(incident, [False] * (len(odd) - 1) + [True])
    if incident == "C9c":
        assert not odd[-1].parts


async def test_a_big_event_is_big(pair: Twins) -> None:
    pair.gemini.incident("C9d")
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    async with httpx.AsyncClient(base_url=pair.gemini.url, headers={"x-goog-api-key": "k"}) as http:
        answer = await http.post("/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse", json=body)

    assert max(map(len, answer.content.split(b"\n\n"))) > 2 * 1024 * 1024


async def test_a_redirect_would_hand_over_the_key(pair: Twins) -> None:
    pair.gemini.inject(Fault(kind="redirect", location="http://127.0.0.1:9"))
    async with httpx.AsyncClient(base_url=pair.gemini.url, headers={"x-goog-api-key": "k"}) as http:
        answer = await http.post("/v1beta/models/gemini-3.5-flash-lite:generateContent", json={"contents": ["hello"]})

    assert answer.status_code == 307
    assert answer.headers["location"] == "http://127.0.0.1:9/v1beta/models/gemini-3.5-flash-lite:generateContent"


def test_every_incident_says_what_it_is() -> None:
    rows = {name.rstrip("abcdefg") for name in INCIDENTS}

    assert rows >= {f"C{n}" for n in range(1, 12)} | {"L1", "L2", "L3", "L4", "L5", "L7", "L8", "L9"}
    assert all(incident.says for incident in INCIDENTS.values())
