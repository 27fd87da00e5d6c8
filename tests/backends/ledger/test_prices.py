"""Prices: the operator's own first, then genai-prices', and never a guess."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.prices import Prices, UnknownPrice
from backends.settings import Price
from backends.types import Tokens
from tests.backends.ledger.samples import AT, COST, MODEL, TOKENS

counts = st.integers(0, 2_000_000)
MODELS = ["gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gemini-2.0-flash"]


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
