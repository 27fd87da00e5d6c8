"""Settings reach the models that take them; what a model does not take is left out and named."""

import json
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Call
from backends.engines.gemini import GeminiClient
from backends.engines.gemini.gemini_errors import gemini_error
from backends.errors import EngineError, QuotaHit
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.types import Tool
from tests.backends.engines.rig import API_KEY, CLOUD_CALL, CLOUD_ENDPOINT, answer
from tests.backends.engines.test_call_fields import OTHER, TOOL, VALUES

LITE, BUDGETED, PRO, FLASH_3 = (
    "gemini-3.5-flash-lite",
    "gemini-2.5-flash-lite",
    "gemini-3.1-pro-preview",
    "gemini-3-flash-preview",
)
ALL = changed(
    CLOUD_CALL,
    temperature=0.5,
    top_p=0.9,
    top_k=20,
    min_p=0.1,
    frequency_penalty=0.2,
    presence_penalty=0.3,
    logit_bias=(("1", 5.0),),
    seed=7,
)


async def config(twin: GeminiTwin, engine: GeminiClient, call: Call) -> dict[str, Any]:
    await answer(engine, call)
    sent: dict[str, Any] = json.loads(twin.seen[-1].body)["generationConfig"]
    return sent


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        (LITE, {"seed"}),
        (FLASH_3, {"temperature", "topP", "topK", "seed"}),
        (BUDGETED, {"temperature", "topP", "topK", "seed"}),
    ],
)
async def test_a_setting_is_sent_or_named(
    gemini: GeminiClient, gemini_twin: GeminiTwin, model: str, taken: set[str]
) -> None:
    call = changed(ALL, model=model)
    sent = await config(gemini_twin, gemini, call)
    names = {
        "temperature": "temperature",
        "topP": "top_p",
        "topK": "top_k",
        "frequencyPenalty": "frequency_penalty",
        "presencePenalty": "presence_penalty",
        "seed": "seed",
    }
    assert {name for name in names if name in sent} == taken
    left_out = {ours for theirs, ours in names.items() if theirs not in taken}
    assert set(gemini.ignores(call)) == left_out | {"min_p", "logit_bias"}


NOT_FOR_GEMINI = {"logprobs", "parallel_tool_calls"}
"""Nobody asks Gemini for probabilities, and calls beyond the first are left out of its answer, which is said."""


@pytest.mark.parametrize("model", [LITE, BUDGETED, FLASH_3])
@pytest.mark.parametrize("field", sorted(set(VALUES) - NOT_FOR_GEMINI))
async def test_no_field_is_dropped_in_silence(
    gemini: GeminiClient, gemini_twin: GeminiTwin, field: str, model: str
) -> None:
    tools = (TOOL, OTHER) if field == "tool_choice" else ()
    base = changed(CLOUD_CALL, model=model, tools=tools, thinking_budget=32_768)
    values = VALUES | {"model": FLASH_3 if model != FLASH_3 else LITE, "effort": "low"}
    call = changed(base, **{field: values[field]})
    sent = []
    for each in (base, call):
        await answer(gemini, each)
        sent.append((gemini_twin.seen[-1].path, gemini_twin.seen[-1].body))
    assert (sent[0] != sent[1]) is not bool(gemini.ignores(call))


def test_what_changes_nothing_is_not_named(gemini: GeminiClient) -> None:
    call = changed(CLOUD_CALL, temperature=1.0, frequency_penalty=0.0, presence_penalty=0.0, min_p=0.0)
    assert gemini.ignores(call) == ()


@pytest.mark.parametrize(
    ("model", "effort", "budget", "wanted"),
    [
        (LITE, None, 0, {"thinkingLevel": "MINIMAL"}),
        (LITE, "none", None, {"thinkingLevel": "MINIMAL"}),
        (LITE, "low", None, {"thinkingLevel": "LOW"}),
        (LITE, "high", None, {"thinkingLevel": "HIGH"}),
        (LITE, "xhigh", None, {"thinkingLevel": "HIGH"}),
        (LITE, None, None, None),
        (PRO, None, 0, {"thinkingLevel": "LOW"}),
        (PRO, "minimal", None, {"thinkingLevel": "LOW"}),
        (BUDGETED, None, 0, {"thinkingBudget": 0}),
        (BUDGETED, None, 700, {"thinkingBudget": 700}),
        (BUDGETED, "none", None, {"thinkingBudget": 0}),
        (BUDGETED, "xhigh", None, {"thinkingBudget": 24_576}),
        (BUDGETED, None, 100_000, {"thinkingBudget": 24_576}),
        (BUDGETED, None, None, None),
        ("gemini-2.5-pro-exp", None, 0, {"thinkingBudget": 128}),
        ("gemini-2.0-flash-exp", "high", 500, None),
    ],
)
async def test_thinking_is_asked_for_in_the_models_own_way(
    gemini: GeminiClient, gemini_twin: GeminiTwin, *, model: str, effort: Any, budget: int | None, wanted: Any
) -> None:
    known = gemini_twin.behaviour.models
    if gemini_twin.behaviour.model(model) is None:
        gemini_twin.behaviour = changed(gemini_twin.behaviour, models=(*known, changed(known[0], name=model)))
    call = changed(CLOUD_CALL, model=model, effort=effort, thinking_budget=budget)
    thinking = (await config(gemini_twin, gemini, call)).get("thinkingConfig")
    spelt = {"thinking_level": "thinkingLevel", "thinking_budget": "thinkingBudget"}
    assert {spelt.get(name, name): value for name, value in (thinking or {}).items()} == (wanted or {})


@pytest.mark.parametrize(
    ("model", "effort", "named"),
    [
        ("gemini-2.0-flash-exp", "low", True),
        ("gemini-2.0-flash-exp", "none", False),
        (PRO, "none", True),
        (LITE, "none", False),
    ],
)
def test_an_effort_that_a_model_cannot_make_is_named(
    gemini: GeminiClient, model: str, effort: Any, named: bool
) -> None:
    assert ("reasoning_effort" in gemini.ignores(changed(CLOUD_CALL, model=model, effort=effort))) is named


async def test_the_cap_is_never_above_the_models(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    call = changed(CLOUD_CALL, max_output=65_000, thinking_budget=8_192)
    assert (await config(gemini_twin, gemini, call))["maxOutputTokens"] == 65_536


QUOTA = "generativelanguage.googleapis.com/generate_content_"


def refused(status: int, body: Any) -> EngineError:
    return gemini_error(status, body, model="m", key=API_KEY, endpoint=CLOUD_ENDPOINT)


def exhausted(*violations: dict[str, Any], message: str = "You exceeded your current quota") -> dict[str, Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": list(violations)}]
    return {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}


def violation(metric: str, id: str, value: str | None) -> dict[str, Any]:
    told = {"quotaMetric": QUOTA + metric, "quotaId": id, "quotaDimensions": {"model": "gemini-3.5-flash-lite"}}
    return told | ({"quotaValue": value} if value is not None else {})


A_DAY = violation("free_tier_requests", "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "250")
A_MINUTE = violation("free_tier_input_token_count", "GenerateContentInputTokensPerModelPerMinute-FreeTier", "250000")


@pytest.mark.parametrize(
    ("violations", "kind", "quota"),
    [
        ((A_DAY,), "daily-quota", QuotaHit(window="day", metric="requests", limit=250)),
        ((A_MINUTE,), "rate-limited", QuotaHit(window="minute", metric="input_tokens", limit=250_000)),
        ((A_MINUTE, A_DAY), "daily-quota", QuotaHit(window="day", metric="requests", limit=250)),
        (
            (violation("paid_tier_requests", "GenerateRequestsPerMinutePerProjectPerModel", None),),
            "rate-limited",
            QuotaHit(window="minute", metric="requests"),
        ),
        ((violation("x", "SomethingElse", "many"),), "rate-limited", None),
        ((), "rate-limited", None),
    ],
)
def test_a_quota_is_told_by_its_window_and_what_it_counts(
    violations: tuple[dict[str, Any], ...], kind: str, quota: QuotaHit | None
) -> None:
    error = refused(429, exhausted(*violations))
    assert (error.kind, error.quota) == (kind, quota)


def test_a_wait_that_stands_in_the_message_alone_is_read() -> None:
    message = "You exceeded your current quota. * Quota exceeded for metric: x, limit: 0\nPlease retry in 45.578s."
    assert refused(429, exhausted(message=message)).retry_after_s == 45.578


def test_credit_that_is_used_up_is_no_rate_limit() -> None:
    error = refused(429, exhausted(message="Your prepayment credits are depleted."))
    assert (error.kind, error.status) == ("key", 429)


@pytest.mark.parametrize(
    "words",
    [
        "Function call is missing a thought_signature in functionCall parts.",
        "Corrupted thought signature.",
        "Thought signature is not valid",
    ],
)
def test_a_refused_signature_is_said_to_be_one(words: str) -> None:
    error = refused(400, {"error": {"code": 400, "message": words}})
    assert error.kind == "rejected"
    assert "thought signature in the history" in str(error)


async def test_a_strict_tool_is_named_for_there_is_no_word_for_it(gemini: GeminiClient) -> None:
    strict, loose = (changed(CLOUD_CALL, tools=(Tool(name="look", strict=word),)) for word in (True, False))
    assert gemini.ignores(strict) == ("tools.strict",)
    assert gemini.ignores(loose) == ()
