"""An OpenAI-compatible provider in the cloud: its key, its counts, and what each of its refusals means."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Call
from backends.engines.openai import OpenAIClient
from backends.errors import EngineErrorKind
from backends.rehearsal.behaviour import Counted
from backends.rehearsal.faults import Fault
from backends.rehearsal.provider_twin import ProviderTwin
from backends.rehearsal.twin import Seen
from backends.settings.engines import OpenAISettings
from backends.types import Tokens, Tool
from tests.backends.engines.rig import CALL as LOCAL_CALL
from tests.backends.engines.rig import Answer, answer, delta, failure, response, sse, wire

KEY = "sk-or-v1-canary-5f0c1d2e3b4a"
MINI, REASONING = "openai/gpt-4o-mini", "openai/gpt-5-mini"
CALL = changed(LOCAL_CALL, model=MINI)
DONE = b"[DONE]"
Given = tuple[int, dict[str, str], dict[str, Any]]
"""Status, headers and error object of an answer."""


def settings(url: str, **changes: Any) -> OpenAISettings:
    given = {"base_url": f"{url}/api/v1", "model": MINI, "zone": "cloud", "key_env": "OPENROUTER_API_KEY"}
    return OpenAISettings(**(given | changes))


def body_of(seen: Seen) -> dict[str, Any]:
    return msgspec.json.decode(seen.body, type=dict[str, Any])


@pytest.fixture
async def twin() -> AsyncIterator[ProviderTwin]:
    twin = ProviderTwin(key=KEY, keep_bodies=True)
    await twin.start()
    yield twin
    await twin.close()


@pytest.fixture
async def engine(twin: ProviderTwin) -> AsyncIterator[OpenAIClient]:
    engine = OpenAIClient("backup", settings(twin.url), KEY)
    yield engine
    await engine.close()


async def told(*events: Any, call: Call = CALL) -> Answer:
    """What the engine makes of these events of a provider's stream."""
    async with wire(response(sse(*events))) as server:
        engine = OpenAIClient("backup", settings(server.url), KEY)
        try:
            return await answer(engine, call)
        finally:
            await engine.close()


async def test_an_answer_has_text_counts_and_a_reason(twin: ProviderTwin, engine: OpenAIClient) -> None:
    twin.behaviour = changed(twin.behaviour, thinking=7, counted=Counted(input=40, output=9, cached=30))
    whole = await answer(engine, CALL)
    assert len(whole.text) > 50
    assert whole.tokens == Tokens(input=40, output=9, thinking=7, cached_input=30)
    assert whole.finished is not None
    assert whole.finished.finish == "stop"
    assert whole.answering == ""
    (call,) = twin.usage.calls
    assert (call.input, call.output, call.thinking, call.cached) == (40, 9, 7, 30)
    assert call.usd > 0
    sent = twin.seen[0]
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in sent.path
    assert body_of(sent)["stream_options"] == {"include_usage": True}
    assert "chat_template_kwargs" not in body_of(sent)


async def test_the_cap_has_room_for_thinking(twin: ProviderTwin, engine: OpenAIClient) -> None:
    await answer(engine, changed(CALL, max_output=200, thinking_budget=300, effort="xhigh"))
    body = body_of(twin.seen[0])
    assert (body["max_tokens"], body["reasoning_effort"]) == (500, "xhigh")


async def test_what_a_reasoning_model_refuses_is_left_out_and_named(twin: ProviderTwin, engine: OpenAIClient) -> None:
    call = changed(CALL, model=REASONING, temperature=0.2)
    assert engine.ignores(call) == ()
    first = await answer(engine, call)
    assert first.finished is not None
    assert first.finished.notes == ("temperature: left out, the model does not take it",)
    again = await answer(engine, call)
    bodies = [body_of(seen) for seen in twin.seen]
    assert len(bodies) == 4  # two refusals, which cost nothing, and two answers
    assert bodies[-1]["max_completion_tokens"] == call.max_output
    assert not {"max_tokens", "temperature"} & set(bodies[-1])
    assert engine.ignores(call) == ("temperature",)
    assert engine.ignores(CALL) == ()
    assert first.text == again.text
    assert len(twin.usage.calls) == 2


async def test_a_key_that_is_missing_or_wrong(twin: ProviderTwin) -> None:
    for key, says in ((None, "no API key: set OPENROUTER_API_KEY"), ("sk-other", "does not accept the key")):
        engine = OpenAIClient("backup", settings(twin.url), key)
        error = await failure(engine, CALL)
        assert (error.kind, "OPENROUTER_API_KEY" in str(error), says in str(error)) == ("key", True, True)
        await engine.close()
    assert [seen.path for seen in twin.seen] == ["/api/v1/chat/completions"]


@pytest.mark.parametrize(
    ("given", "kind", "after"),
    [
        ((401, {}, {"message": "User not found.", "code": 401}), "key", None),
        ((402, {}, {"message": "Insufficient credits", "code": 402}), "key", None),
        ((402, {"Retry-After": "7"}, {"message": "in flight", "code": 402}), "rate-limited", 7.0),
        ((403, {}, {"message": "Key limit exceeded", "code": 403}), "key", None),
        ((404, {}, {"message": "No endpoints found for x/y.", "code": 404}), "model", None),
        ((404, {}, {"message": "No endpoints found that support tool use.", "code": 404}), "rejected", None),
        ((408, {}, {"message": "Request timed out", "code": 408}), "unavailable", None),
        ((429, {"Retry-After": "12"}, {"message": "slow down", "code": 429}), "rate-limited", 12.0),
        ((429, {"retry-after-ms": "1500"}, {"message": "slow down"}), "rate-limited", 1.5),
        ((429, {}, {"message": "Rate limit reached. Please try again in 1m2.5s."}), "rate-limited", 62.5),
        ((429, {}, {"message": "Rate limit reached. Please try again in 350ms."}), "rate-limited", 0.35),
        ((429, {}, {"message": "slow down"}), "rate-limited", None),
        ((429, {}, {"message": "You exceeded your current quota", "code": "insufficient_quota"}), "key", None),
        (
            (
                400,
                {},
                {"message": "too long", "code": "context_length_exceeded"},
            ),
            "context",
            None,
        ),
        ((400, {}, {"message": "Input validation error: context length 9 > 8"}), "context", None),
        ((400, {}, {"message": "bad", "code": 400}), "rejected", None),
        ((502, {}, {"message": "Provider returned error", "metadata": {"raw": "boom"}}), "unavailable", None),
        ((503, {"Retry-After": "30"}, {"message": "no provider"}), "unavailable", 30.0),
    ],
)
async def test_refusals_mean_what_the_provider_means(
    twin: ProviderTwin, engine: OpenAIClient, given: Given, kind: EngineErrorKind, after: float | None
) -> None:
    status, headers, body = given
    twin.inject(Fault(kind="status", status=status, headers=headers, body={"error": body}))
    error = await failure(engine, changed(CALL, tools=(Tool(name="f"),)))
    assert (error.kind, error.status, error.retry_after_s, error.billed) == (kind, status, after, False)
    if error.kind == "rate-limited":
        assert "quota" not in str(error)


async def test_openrouters_reset_of_a_limit_is_read(twin: ProviderTwin, engine: OpenAIClient) -> None:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800000"}
    body = {"error": {"message": "free-models-per-day", "code": 429, "metadata": {"headers": headers}}}
    twin.inject(Fault(kind="status", status=429, body=body))
    error = await failure(engine, CALL)
    assert error.kind == "rate-limited"
    assert error.retry_after_s is not None
    assert error.retry_after_s > 1e6


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"message": "flagged", "code": 403, "metadata": {"reasons": ["violence"], "flagged_input": "x"}}),
        (400, {"message": "The response was filtered", "code": "content_filter"}),
    ],
)
async def test_moderation_is_a_blocked_answer(
    twin: ProviderTwin, engine: OpenAIClient, status: int, body: dict[str, Any]
) -> None:
    twin.inject(Fault(kind="status", status=status, body={"error": body}))
    whole = await answer(engine, CALL)
    assert whole.finished is not None
    assert (whole.finished.finish, whole.finished.reason) == ("blocked", body["message"])


async def test_an_error_that_is_the_first_event_is_a_refusal() -> None:
    with pytest.raises(Exception, match="limits the rate") as caught:
        await told({"error": {"code": 429, "message": "slow"}, "choices": [delta("", "error")["choices"][0]]})
    assert getattr(caught.value, "kind", None) == "rate-limited"
    assert not getattr(caught.value, "billed", True)


async def test_an_error_in_the_middle_is_a_cut_that_may_be_billed(twin: ProviderTwin, engine: OpenAIClient) -> None:
    twin.inject(Fault(kind="error", after=4))
    before = Answer()
    error = await failure(engine, CALL, into=before)
    assert (error.kind, error.billed) == ("cut", True)
    assert "Provider disconnected" in str(error)
    assert before.text


async def test_another_model_that_answers_is_named_but_not_a_dated_build() -> None:
    def said(model: str) -> dict[str, Any]:
        return delta("hi", "stop") | {"model": model}

    assert (await told(said("openai/gpt-4o-mini-2024-07-18"), DONE)).answering == ""
    assert (await told(said("anthropic/claude-sonnet-4"), DONE)).answering == "anthropic/claude-sonnet-4"
    assert (await told(said("\x1b[31m"), DONE)).answering == ""


async def test_a_check_finds_a_wrong_key_although_the_list_is_open(twin: ProviderTwin, engine: OpenAIClient) -> None:
    inspection = await engine.inspect()
    assert inspection.model is not None
    assert (await engine.inspect("absent/model")).model is None
    other = OpenAIClient("backup", settings(twin.url), "sk-other")
    with pytest.raises(Exception, match="does not accept the key") as caught:
        await other.inspect()
    assert getattr(caught.value, "kind", None) == "key"
    assert "sk-other" not in str(caught.value)
    await other.close()
    assert not twin.usage.calls


@pytest.mark.parametrize(("incident", "kind"), [("C1", "rate-limited"), ("C3", "unavailable"), ("C10b", "key")])
async def test_incidents_are_in_the_providers_own_words(
    twin: ProviderTwin, engine: OpenAIClient, incident: str, kind: EngineErrorKind
) -> None:
    twin.incident(incident)
    error = await failure(engine, CALL)
    assert error.kind == kind
    assert "google" not in str(error).lower()


async def test_no_secret_is_in_an_error(twin: ProviderTwin, engine: OpenAIClient) -> None:
    twin.inject(Fault(kind="status", status=401, body={"error": {"message": f"Incorrect API key: {KEY}"}}))
    error = await failure(engine, CALL)
    assert KEY not in str(error)
    assert "***" in str(error)
