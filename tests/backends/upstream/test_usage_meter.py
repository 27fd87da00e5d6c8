from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.engines.base import Call, mark_unsent
from backends.errors import EngineError
from backends.ledger.prices import Prices
from backends.settings.money import Price, PriceFrom
from backends.types import Message, Tokens, ToolCall
from backends.upstream.costs import Costs
from backends.upstream.token_count import count_text, most
from backends.upstream.usage_checks import UsageBounds
from backends.upstream.usage_meter import BEYOND, ON_THE_WAY, RequestUsage, UsageMeter

CALL = Call(
    id="1",
    model="gemini-3.5-flash-lite",
    messages=(Message(role="user", text="draft a post about routers"),),
    max_output=8192,
    thinking_budget=2048,
    input_tokens=12,
    first_byte_s=60,
    idle_s=30,
)
COSTS = Costs(Prices({}), ManualClock(), cloud_model="gemini-3.5-flash-lite")
RESERVED = COSTS.worst("cloud", CALL)


def meter() -> UsageMeter:
    return UsageMeter("cloud", "cloud", CALL, reserved_usd=RESERVED, costs=COSTS, clock=ManualClock())


def test_reported_usage_is_the_cost_and_the_charge() -> None:
    it = meter()
    it.add_text("hello")
    it.add_usage(Tokens(input=10, output=5))
    it.add_usage(Tokens(input=10, output=7, thinking=3))
    it.add_usage(Tokens())
    attempt, charged = it.completed()
    assert attempt.tokens == Tokens(input=10, output=7, thinking=3)
    assert not attempt.estimated
    assert charged == attempt.cost_usd == COSTS.of("cloud", CALL.model, attempt.tokens)


def test_an_answer_without_a_report_is_estimated_and_charged_whole() -> None:
    it = meter()
    it.add_text("hello there")
    attempt, charged = it.completed()
    assert attempt.estimated
    assert attempt.tokens.output > 0
    assert charged == RESERVED


@pytest.mark.parametrize("said", [None, Tokens(input=10)])
def test_tool_calls_without_a_report_are_counted_as_output(said: Tokens | None) -> None:
    it = meter()
    it.add_calls((ToolCall(id="a", name="get_weather", arguments='{"city": "Rome"}'),))
    if said is not None:
        it.add_usage(said)
    attempt, charged = it.completed()
    assert attempt.estimated
    assert 5 < attempt.tokens.output < 20
    assert charged == RESERVED


def test_tool_calls_behind_a_report_without_output_are_counted_too() -> None:
    it = meter()
    it.add_usage(Tokens(input=10))
    it.add_calls((ToolCall(id="a", name="get_weather", arguments='{"city": "Rome"}'),))
    attempt, charged = it.completed()
    assert attempt.estimated
    assert 5 < attempt.tokens.output < 20
    assert charged == RESERVED


def test_arguments_beyond_all_measure_count_as_the_cap() -> None:
    it = meter()
    it.add_calls((ToolCall(id="a", name="write", arguments='{"text": "' + "word " * 100_000 + '"}'),))
    assert it.completed()[0].tokens.output == CALL.max_output


def test_a_stream_that_broke_is_charged_whole_since_the_engine_may_have_gone_on() -> None:
    it = meter()
    it.add_text("hello")
    it.add_usage(Tokens(input=10, output=5))
    attempt, charged = it.failed(EngineError("it broke: ask again", kind="cut", billed=True))
    assert attempt.tokens == Tokens(input=10, output=5)
    assert charged == RESERVED > attempt.cost_usd


def test_a_call_that_was_not_billed_costs_nothing() -> None:
    attempt, charged = meter().failed(EngineError("nobody listens: start it", kind="unavailable"))
    assert (attempt.tokens, attempt.cost_usd, charged) == (Tokens(), 0, 0)


def test_who_leaves_before_the_first_word_is_charged_whole() -> None:
    counted = meter().abandoned("cancelled")
    assert counted is not None
    assert counted[1] == RESERVED


def test_who_leaves_before_anything_was_sent_made_no_call() -> None:
    it, tally = meter(), RequestUsage()
    mark_unsent(it.call)
    tally.add(it.abandoned("cancelled"))
    assert (tally.attempts, tally.charged_usd) == ([], 0)


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=20), st.integers(0, 200))
def test_who_leaves_in_the_middle_is_charged_what_was_heard_and_a_little_more(texts: list[str], thinking: int) -> None:
    it = meter()
    it.add_usage(Tokens(input=30, output=1, thinking=thinking))
    for text in texts:
        it.add_text(text)
    counted = it.abandoned("cancelled")
    assert counted is not None
    attempt, charged = counted
    most = Tokens(input=30, output=1 + ON_THE_WAY + len("".join(texts).encode()), thinking=thinking)
    assert attempt.estimated
    assert attempt.cost_usd <= charged <= min(RESERVED, COSTS.of("cloud", CALL.model, most))


def test_what_is_reserved_holds_for_a_prompt_of_digits() -> None:
    digits = Message(role="user", text="7" * 1000)
    call = Call(
        id="1",
        model=CALL.model,
        messages=(digits,),
        max_output=1,
        thinking_budget=0,
        input_tokens=1,
        first_byte_s=60,
        idle_s=30,
    )
    assert COSTS.worst("cloud", call) >= COSTS.of("cloud", CALL.model, Tokens(input=1000, output=1))


def test_a_requests_figures_are_the_sums_of_its_attempts() -> None:
    tally = RequestUsage()
    for _ in range(3):
        it = meter()
        it.add_usage(Tokens(input=10, output=5, cached_input=2))
        tally.add(it.completed())
    assert tally.tokens == Tokens(input=30, output=15, cached_input=6)
    assert tally.cost_usd == tally.charged_usd == sum((each.cost_usd for each in tally.attempts), Decimal(0))
    assert not tally.estimated


def test_a_local_call_costs_nothing_that_is_billed() -> None:
    it = UsageMeter("local", "local", CALL, reserved_usd=Decimal(0), costs=COSTS, clock=ManualClock())
    it.add_text("hello")
    counted = it.abandoned("cancelled")
    assert counted is not None
    assert counted[1] == it.completed()[1] == 0


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Tokens(input=-1, output=5), "a count below zero"),
        (Tokens(input=1, output=2**60), "a count beyond all reason"),
        (Tokens(input=1, output=float("nan")), "a count that is no whole number"),  # type: ignore[arg-type]
        (Tokens(input=True, output=5), "a count that is no whole number"),
        (Tokens(input=1, output=5, cached_input=2), "2 cached of 1 input tokens"),
        (Tokens(input=10**9, output=5), "1000000000 input tokens where the prompt has"),
        (Tokens(input=1, output=10**9), "1000000000 answer tokens where 10240 were allowed"),
        (Tokens(input=1, output=5, thinking=10**9), "1000000005 answer tokens where 10240 were allowed"),
    ],
)
def test_c8_a_report_that_cannot_be_true_is_flagged_and_estimated(said: Tokens, why: str) -> None:
    it = meter()
    it.add_text("hello")
    it.add_usage(said)
    attempt, charged = it.completed()
    assert attempt.estimated
    assert why in attempt.flag
    assert charged == RESERVED
    tally = RequestUsage()
    tally.add((attempt, charged))
    assert tally.flags == (attempt.flag,)


def test_c8_a_true_word_after_an_untrue_one_holds() -> None:
    it = meter()
    it.add_usage(Tokens(input=-1))
    it.add_text("hello")
    it.add_usage(Tokens(input=3, output=2))
    attempt, _ = it.completed()
    assert (attempt.tokens, attempt.estimated, attempt.flag) == (Tokens(input=3, output=2), False, "")


def test_a_report_that_ends_before_the_text_does_is_an_estimate() -> None:
    it = meter()
    it.add_text("hello")
    it.add_usage(Tokens(input=10, output=1))
    it.add_text(" and more")
    attempt, charged = it.completed()
    assert attempt.estimated
    assert attempt.tokens == Tokens(input=10, output=1)
    assert charged == RESERVED


def test_more_than_was_allowed_is_booked_as_billed_and_flagged() -> None:
    it = meter()
    it.add_usage(Tokens(input=10, output=9000, thinking=2000))
    attempt, _ = it.completed()
    assert attempt.flag == "gemini-3.5-flash-lite reported 11000 answer tokens where 10240 were allowed" + (
        f"; gemini-3.5-flash-lite billed ${attempt.cost_usd - RESERVED:f} {BEYOND}"
        if attempt.cost_usd > RESERVED
        else ""
    )
    assert attempt.cost_usd == COSTS.of("cloud", CALL.model, attempt.tokens)


def test_a_call_is_priced_as_of_its_beginning() -> None:
    clock = ManualClock()
    change = PriceFrom(valid_from=clock.now() + timedelta(seconds=1), input_usd=Decimal(2000), output_usd=Decimal(2))
    prices = Prices({CALL.model: Price(input_usd=Decimal(1000), output_usd=Decimal(1), changes=(change,))})
    it = UsageMeter(
        "cloud", "cloud", CALL, reserved_usd=RESERVED, costs=Costs(prices, clock, cloud_model=CALL.model), clock=clock
    )
    clock.advance(60)
    it.add_usage(Tokens(input=1_000))
    assert it.completed()[0].cost_usd == 1


@pytest.mark.parametrize("input", [0, 3000])
def test_partial_counts_keep_what_they_tell_and_are_marked(input: int) -> None:
    it = meter()
    it.add_text("hello there")
    it.add_usage(Tokens(input=input, output=0 if input else 7))
    attempt, charged = it.completed()
    assert attempt.estimated
    assert "reported no " in attempt.flag
    assert attempt.tokens.input == (input or CALL.input_tokens)
    assert attempt.tokens.output == (7 if not input else count_text("hello there"))
    assert charged == RESERVED


def test_partial_counts_of_an_answer_that_is_still_coming_are_made_up_for_by_its_end() -> None:
    it = meter()
    it.add_text("hello")
    it.add_usage(Tokens(input=30))
    it.add_text(" there")
    it.add_usage(Tokens(input=30, output=2))
    attempt, _ = it.completed()
    assert (attempt.tokens, attempt.estimated, attempt.flag) == (Tokens(input=30, output=2), False, "")


@given(st.text(max_size=300), st.integers(0, 2_000), st.integers(0, 12_000))
def test_a_report_within_the_call_is_never_taken_for_an_impossible_one(text: str, own_prompt: int, output: int) -> None:
    """Whatever the prompt is made of, and with a provider's own words before it."""
    call = replace(CALL, messages=(Message(role="user", text=text),), input_tokens=0)
    said = Tokens(input=most(call) + own_prompt + 1, output=output)
    assert UsageBounds(call).beyond(said) is None


ANSWERED = "gemini-3.8-flash"


def test_the_model_that_answered_is_the_attempts_and_its_price() -> None:
    it = meter()
    it.answered_by(f"models/{ANSWERED}")
    it.add_usage(Tokens(input=10, output=5))
    attempt, charged = it.completed()
    assert (attempt.model, attempt.model_asked) == (ANSWERED, CALL.model)
    assert (
        charged
        == attempt.cost_usd
        == COSTS.of("cloud", ANSWERED, attempt.tokens)
        != COSTS.of("cloud", CALL.model, attempt.tokens)
    )
    assert attempt.flag == ""


@pytest.mark.parametrize(
    "said", ["models/gemini-3.5-flash-lite", "gemini-3.5-flash-lite-001", "gemini-3.5-flash-lite", "", "a b", "x" * 200]
)
def test_the_model_that_answered_under_a_prefix_a_revision_or_no_name_is_the_one_asked_for(said: str) -> None:
    it = meter()
    it.answered_by(said)
    it.add_usage(Tokens(input=10, output=5))
    attempt, _ = it.completed()
    assert (attempt.model, attempt.model_asked, attempt.flag) == (CALL.model, "", "")


def test_the_model_that_answered_without_a_price_is_priced_as_asked_and_named() -> None:
    it = meter()
    it.answered_by("gemini-99-flash")
    it.add_usage(Tokens(input=10, output=5))
    attempt, _ = it.completed()
    assert attempt.cost_usd == COSTS.of("cloud", CALL.model, attempt.tokens)
    assert attempt.flag == f"gemini-99-flash answered, which has no price: priced as {CALL.model}"
    assert COSTS.source([attempt]) == COSTS.source([replace(attempt, model=CALL.model, model_asked="")])


def test_a_worst_case_is_reckoned_with_the_model_that_is_known_to_answer() -> None:
    clock = ManualClock()
    costs = Costs(Prices({}), clock, cloud_model=CALL.model)
    costs.answered(CALL.model, ANSWERED)
    dear = replace(CALL, model=ANSWERED)
    assert costs.worst("cloud", CALL) == COSTS.worst("cloud", dear) > COSTS.worst("cloud", CALL)
    assert costs.baseline(Tokens(input=10)) == costs.of("cloud", ANSWERED, Tokens(input=10))
    costs.answered(CALL.model, CALL.model)
    assert costs.worst("cloud", CALL) == COSTS.worst("cloud", CALL)


def test_a_worst_case_is_reckoned_with_the_successor_from_the_day_a_model_ends() -> None:
    clock = ManualClock(datetime(2026, 11, 30, 12, tzinfo=UTC))
    costs = Costs(Prices({}), clock, cloud_model="gemini-2.5-pro")
    assert costs.expected("gemini-2.5-pro") == "gemini-2.5-pro"
    costs.answered("gemini-2.5-pro", "gemini-2.5-pro")
    clock.advance(86_400)
    assert costs.expected("gemini-2.5-pro") == "gemini-3.8-flash"
    costs.answered("gemini-2.5-pro", "gemini-2.5-pro")
    assert costs.expected("gemini-2.5-pro") == "gemini-2.5-pro"
