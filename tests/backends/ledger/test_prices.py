"""Prices: the operator's own first, then genai-prices', and never a guess."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.prices import Prices, UnknownPrice
from backends.settings.money import Price, PriceFrom, Tier
from backends.types import Tokens
from tests.backends.ledger.samples import AT, COST, MODEL, TOKENS

counts = st.integers(0, 2_000_000)
MODELS = ["gemini-3.5-flash-lite", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gemini-2.0-flash"]


def test_a_known_model() -> None:
    priced = Prices({}).cost(MODEL, TOKENS, AT)
    assert priced.usd == COST
    assert priced.source.startswith("genai-prices ")
    assert Prices({}).cost(f"models/{MODEL}", TOKENS, AT).usd == COST


@given(st.sampled_from(MODELS), counts, counts, counts, counts)
def test_prices_are_those_of_the_table(model: str, read: int, written: int, thought: int, cached: int) -> None:
    tokens = Tokens(input=read, output=written, thinking=thought, cached_input=cached)
    usage = Usage(input_tokens=read, output_tokens=written + thought, cache_read_tokens=min(cached, read))
    expected = calc_price(usage, model, provider_id="google", genai_request_timestamp=AT).total_price
    assert Prices({}).cost(model, tokens, AT).usd == expected


@given(counts, counts, counts, counts)
def test_no_call_costs_more_than_its_worst_case(read: int, cached: int, written: int, thought: int) -> None:
    tokens = Tokens(input=read, output=written, thinking=thought, cached_input=cached)
    worst = Prices({}).worst_case(
        "gemini-2.5-pro", input_tokens=read, max_output=written, thinking_budget=thought, at=AT
    )
    assert Prices({}).cost("gemini-2.5-pro", tokens, AT).usd <= worst


@pytest.mark.parametrize(("cached_price", "expected"), [(None, "0.0023"), (Decimal("0.5"), "0.0022")])
def test_the_operators_price_comes_first(cached_price: Decimal | None, expected: str) -> None:
    own = Price(input_usd=Decimal(1), output_usd=Decimal("8.6666666666666666"), cached_input_usd=cached_price)
    priced = Prices({MODEL: own}).cost(MODEL, TOKENS, AT)
    assert priced.source == "claw.toml"
    assert priced.usd == Decimal(expected)


def test_a_price_finer_than_the_ledger_keeps_is_rounded() -> None:
    own = Price(input_usd=Decimal("0.3333333333333333"), output_usd=Decimal(0))
    assert Prices({"own": own}).cost("own", Tokens(input=1), AT).usd == Decimal("0.000000333333")


def test_an_unknown_model_is_an_error_that_names_the_remedy() -> None:
    with pytest.raises(UnknownPrice, match=r'gemini-99.*\[prices."gemini-99"\]') as error:
        Prices({}).worst_case("gemini-99", input_tokens=1, max_output=1, thinking_budget=None, at=AT)
    assert "\n" not in str(error.value)


def test_a_model_that_does_not_think() -> None:
    now = datetime.now(UTC)
    priced = Prices({}).worst_case(MODEL, input_tokens=10, max_output=10, thinking_budget=None, at=now)
    assert priced == Prices({}).cost(MODEL, Tokens(input=10, output=10), now).usd


D = Decimal
rates = st.decimals(0, 50, places=3)
maybe = st.none() | rates
tiers = st.builds(
    Tier,
    above_input_tokens=st.integers(1, 1_000_000),
    input_usd=rates,
    output_usd=rates,
    cached_input_usd=maybe,
    thinking_usd=maybe,
)
own_prices = st.builds(
    Price,
    input_usd=rates,
    output_usd=rates,
    cached_input_usd=maybe,
    thinking_usd=maybe,
    tiers=st.lists(tiers, max_size=3).map(tuple),
    valid_from=st.none(),
    changes=st.just(()),
)


def test_a_tier_holds_for_every_token_of_a_long_call() -> None:
    tier = Tier(above_input_tokens=1000, input_usd=D(2), output_usd=D(20), cached_input_usd=D("0.5"))
    prices = Prices({"own": Price(input_usd=D(1), output_usd=D(10), tiers=(tier,))})
    assert prices.cost("own", Tokens(input=1000, output=1), AT).usd == D("0.00101")
    assert prices.cost("own", Tokens(input=1001, output=1), AT).usd == D("0.002022")
    assert prices.cost("own", Tokens(input=1001, cached_input=1000), AT).usd == D("0.000502")


def test_thinking_may_have_a_price_of_its_own() -> None:
    prices = Prices({"own": Price(input_usd=D(1), output_usd=D(10), thinking_usd=D(4))})
    assert prices.cost("own", Tokens(output=10, thinking=10), AT).usd == D("0.00014")


def test_a_price_holds_from_its_moment_on_and_for_nothing_before_it() -> None:
    soon = AT + timedelta(days=10)
    own = Price(
        input_usd=D(1),
        output_usd=D(1),
        valid_from=AT,
        changes=(PriceFrom(valid_from=soon, input_usd=D(2), output_usd=D(2)),),
    )
    prices, tokens = Prices({MODEL: own}), Tokens(input=1_000_000)
    before = AT - timedelta(microseconds=1)
    assert prices.cost(MODEL, tokens, before) == Prices({}).cost(MODEL, tokens, before)
    assert prices.cost(MODEL, tokens, AT).usd == 1
    assert prices.cost(MODEL, tokens, soon - timedelta(microseconds=1)).usd == 1
    assert prices.cost(MODEL, tokens, soon).usd == 2
    worst = prices.worst_case(MODEL, input_tokens=1, max_output=0, thinking_budget=0, at=soon - timedelta(minutes=59))
    assert worst == D("0.000002"), "a call that waits may begin at the new price"


def test_the_tables_own_changes_hold_from_their_day() -> None:
    prices, tokens = Prices({}), Tokens(input=1_000_000)
    year = datetime(2027, 1, 1, tzinfo=UTC)
    assert prices.cost("gemini-3.6-flash", tokens, year - timedelta(seconds=1)).usd == D("0.75")
    assert prices.cost("gemini-3.6-flash", tokens, year).usd == D("1.5")


def test_a_discount_is_off_the_table_and_not_off_ones_own_prices() -> None:
    own = Price(input_usd=D(1), output_usd=D(1))
    prices = Prices({"own": own}, discount=D("0.2"))
    assert prices.cost(MODEL, TOKENS, AT).usd == COST * D("0.8")
    assert prices.cost(MODEL, TOKENS, AT).source.endswith(", 20% off")
    assert prices.cost("own", Tokens(input=1_000_000), AT).usd == 1


@pytest.mark.parametrize("model", ["gemma-3-27b-it", "gemini-embedding-001"])
def test_what_the_table_lists_without_a_price_is_unknown_and_not_free(model: str) -> None:
    with pytest.raises(UnknownPrice):
        Prices({}).cost(model, Tokens(input=1), AT)


used_tokens = st.builds(Tokens, input=counts, output=counts, thinking=counts, cached_input=counts)


@given(own_prices, used_tokens, st.integers(0, 10**6))
def test_no_call_exceeds_its_worst_case_at_any_price(price: Price, used: Tokens, spare: int) -> None:
    prices = Prices({"own": price})
    worst = prices.worst_case(
        "own",
        input_tokens=used.input + spare,
        max_output=used.output + used.thinking,
        thinking_budget=spare,
        at=AT,
    )
    assert 0 <= prices.cost("own", used, AT).usd <= worst
