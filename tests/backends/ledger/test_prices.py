"""Prices: the operator's own first, then genai-prices', and never a guess."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.prices import Prices, PriceSource, UnknownPrice
from backends.settings.loading import load
from backends.settings.money import Price, PriceFrom, Tier
from backends.types import Tokens
from tests.backends.ledger.samples import AT, COST, MODEL, TOKENS

counts = st.integers(0, 2_000_000)
MODELS = ["gemini-3.5-flash-lite", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gemini-2.0-flash"]


def test_a_known_model() -> None:
    priced = Prices({}).cost("cloud", MODEL, TOKENS, AT)
    assert priced.usd == COST
    assert priced.source.startswith("genai-prices ")
    assert Prices({}).cost("cloud", f"models/{MODEL}", TOKENS, AT).usd == COST


@given(st.sampled_from(MODELS), counts, counts, counts, counts)
def test_prices_are_those_of_the_table(model: str, read: int, written: int, thought: int, cached: int) -> None:
    tokens = Tokens(input=read, output=written, thinking=thought, cached_input=cached)
    usage = Usage(input_tokens=read, output_tokens=written + thought, cache_read_tokens=min(cached, read))
    expected = calc_price(usage, model, provider_id="google", genai_request_timestamp=AT).total_price
    assert Prices({}).cost("cloud", model, tokens, AT).usd == expected


@given(counts, counts, counts, counts)
def test_no_call_costs_more_than_its_worst_case(read: int, cached: int, written: int, thought: int) -> None:
    tokens = Tokens(input=read, output=written, thinking=thought, cached_input=cached)
    worst = Prices({}).worst_case(
        "cloud", "gemini-2.5-pro", input_tokens=read, max_output=written, thinking_budget=thought, at=AT
    )
    assert Prices({}).cost("cloud", "gemini-2.5-pro", tokens, AT).usd <= worst


@pytest.mark.parametrize(("cached_price", "expected"), [(None, "0.0023"), (Decimal("0.5"), "0.0022")])
def test_the_operators_price_comes_first(cached_price: Decimal | None, expected: str) -> None:
    own = Price(input_usd=Decimal(1), output_usd=Decimal("8.666666666667"), cached_input_usd=cached_price)
    priced = Prices({MODEL: own}).cost("cloud", MODEL, TOKENS, AT)
    assert priced.source == "claw.toml"
    assert priced.usd == Decimal(expected)


def test_a_price_finer_than_the_ledger_keeps_is_rounded() -> None:
    own = Price(input_usd=Decimal("0.333333333333"), output_usd=Decimal(0))
    assert Prices({"own": own}).cost("cloud", "own", Tokens(input=1), AT).usd == Decimal("0.000000333333")


def test_an_unknown_model_is_an_error_that_names_the_remedy() -> None:
    with pytest.raises(UnknownPrice, match=r'gemini-99.*\[prices."gemini-99"\]') as error:
        Prices({}).worst_case("cloud", "gemini-99", input_tokens=1, max_output=1, thinking_budget=None, at=AT)
    assert "\n" not in str(error.value)


def test_a_model_that_does_not_think() -> None:
    now = datetime.now(UTC)
    priced = Prices({}).worst_case("cloud", MODEL, input_tokens=10, max_output=10, thinking_budget=None, at=now)
    assert priced == Prices({}).cost("cloud", MODEL, Tokens(input=10, output=10), now).usd


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
    assert prices.cost("cloud", "own", Tokens(input=1000, output=1), AT).usd == D("0.00101")
    assert prices.cost("cloud", "own", Tokens(input=1001, output=1), AT).usd == D("0.002022")
    assert prices.cost("cloud", "own", Tokens(input=1001, cached_input=1000), AT).usd == D("0.000502")


def test_thinking_may_have_a_price_of_its_own() -> None:
    prices = Prices({"own": Price(input_usd=D(1), output_usd=D(10), thinking_usd=D(4))})
    assert prices.cost("cloud", "own", Tokens(output=10, thinking=10), AT).usd == D("0.00014")


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
    assert prices.cost("cloud", MODEL, tokens, before) == Prices({}).cost("cloud", MODEL, tokens, before)
    assert prices.cost("cloud", MODEL, tokens, AT).usd == 1
    assert prices.cost("cloud", MODEL, tokens, soon - timedelta(microseconds=1)).usd == 1
    assert prices.cost("cloud", MODEL, tokens, soon).usd == 2
    worst = prices.worst_case(
        "cloud", MODEL, input_tokens=1, max_output=0, thinking_budget=0, at=soon - timedelta(minutes=59)
    )
    assert worst == D("0.000002"), "a call that waits may begin at the new price"


def test_the_tables_own_changes_hold_from_their_day() -> None:
    prices, tokens = Prices({}), Tokens(input=1_000_000)
    year = datetime(2027, 1, 1, tzinfo=UTC)
    assert prices.cost("cloud", "gemini-3.6-flash", tokens, year - timedelta(seconds=1)).usd == D("0.75")
    assert prices.cost("cloud", "gemini-3.6-flash", tokens, year).usd == D("1.5")


def test_a_discount_is_off_the_table_and_not_off_ones_own_prices() -> None:
    own = Price(input_usd=D(1), output_usd=D(1))
    prices = Prices({"own": own}, {"cloud": PriceSource(provider="google", discount=D("0.2"))})
    assert prices.cost("cloud", MODEL, TOKENS, AT).usd == COST * D("0.8")
    assert prices.cost("cloud", MODEL, TOKENS, AT).source.endswith(", 20% off")
    assert prices.cost("cloud", "own", Tokens(input=1_000_000), AT).usd == 1


@pytest.mark.parametrize("model", ["gemma-3-27b-it", "gemini-embedding-001"])
def test_what_the_table_lists_without_a_price_is_unknown_and_not_free(model: str) -> None:
    with pytest.raises(UnknownPrice):
        Prices({}).cost("cloud", model, Tokens(input=1), AT)


used_tokens = st.builds(Tokens, input=counts, output=counts, thinking=counts, cached_input=counts)


@given(own_prices, used_tokens, st.integers(0, 10**6))
def test_no_call_exceeds_its_worst_case_at_any_price(price: Price, used: Tokens, spare: int) -> None:
    prices = Prices({"own": price})
    worst = prices.worst_case(
        "cloud",
        "own",
        input_tokens=used.input + spare,
        max_output=used.output + used.thinking,
        thinking_budget=spare,
        at=AT,
    )
    assert 0 <= prices.cost("cloud", "own", used, AT).usd <= worst


OPENROUTER = PriceSource(base_url="https://openrouter.ai/api/v1")
ONE_EACH = Tokens(input=1_000_000, output=1_000_000)


@pytest.mark.parametrize(
    ("base_url", "model", "provider"),
    [
        ("https://openrouter.ai/api/v1", "anthropic/claude-sonnet-4", "openrouter"),
        ("https://openrouter.ai/api/v1", "deepseek/deepseek-chat-v3.1", "openrouter"),
        ("https://api.openai.com/v1", "gpt-5-mini", "openai"),
        ("https://api.deepseek.com/v1", "deepseek-chat", "deepseek"),
        ("https://api.mistral.ai/v1", "mistral-small-latest", "mistral"),
        ("https://api.groq.com/openai/v1", "llama-3.3-70b-versatile", "groq"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gemini-2.5-pro", "google"),
    ],
)
def test_a_provider_is_known_by_its_address(base_url: str, model: str, provider: str) -> None:
    prices = Prices({}, {"backup": PriceSource(base_url=base_url)})
    expected = calc_price(
        Usage(input_tokens=1000, output_tokens=1000), model, provider_id=provider, genai_request_timestamp=AT
    )
    found = prices.cost("backup", model, Tokens(input=1000, output=1000), AT)
    assert found.usd == expected.total_price
    assert found.source.startswith("genai-prices ")
    assert prices.provider("backup") == expected.provider.name


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [("gpt-5-mini", "openai", "gpt-5-mini"), ("openai/gpt-5-mini", "openrouter", "openai/gpt-5-mini")],
)
def test_at_an_unknown_address_a_model_has_the_price_of_its_maker(model: str, provider: str, name: str) -> None:
    prices = Prices({}, {"proxy": PriceSource(base_url="https://llm.example.org/v1")})
    expected = calc_price(
        Usage(input_tokens=1000, output_tokens=1000), name, provider_id=provider, genai_request_timestamp=AT
    )
    assert prices.cost("proxy", model, Tokens(input=1000, output=1000), AT).usd == expected.total_price
    assert prices.provider("proxy") == "llm.example.org"


@pytest.mark.parametrize(
    ("source", "model"),
    [
        (OPENROUTER, "nobody/knows-it"),
        (OPENROUTER, "gpt-5-mini"),  # OpenRouter does not have it under this name, and asks another price
        (PriceSource(base_url="https://llm.example.org/v1"), "our-own-model"),
    ],
)
def test_what_a_provider_does_not_list_is_unknown(source: PriceSource, model: str) -> None:
    prices = Prices({}, {"backup": source})
    with pytest.raises(UnknownPrice, match=rf'add \[prices."{model}"\] with input_usd and output_usd to claw.toml'):
        prices.cost("backup", model, ONE_EACH, AT)
    own = Price(input_usd=D(1), output_usd=D(2))
    assert Prices({model: own}, {"backup": source}).cost("backup", model, ONE_EACH, AT).usd == 3


def test_each_engine_has_a_discount_of_its_own() -> None:
    cheap = PriceSource(base_url=OPENROUTER.base_url, discount=D("0.5"))
    prices = Prices({}, {"plain": OPENROUTER, "negotiated": cheap})
    model = "openai/gpt-5-mini"
    plain, negotiated = (prices.cost(engine, model, ONE_EACH, AT) for engine in ("plain", "negotiated"))
    assert negotiated.usd == plain.usd / 2
    assert negotiated.source == f"{plain.source}, 50% off"


def test_the_engines_of_the_settings_are_priced_by_their_zone_and_kind(tmp_path: Path) -> None:
    path = tmp_path / "claw.toml"
    path.write_text(ENGINES)
    prices = Prices.of(load(path, {}).settings)
    assert [prices.provider(name) for name in ("local", "cloud", "small", "lite", "backup", "gone")] == [
        None,
        "Google",
        None,
        "Google",
        "OpenRouter",
        "gone",
    ]
    assert [prices.bills(name) for name in ("local", "small", "lite")] == [False, False, True]
    assert prices.cost("small", "qwen2.5:3b", ONE_EACH, AT).usd == 0
    assert prices.worst_case("small", "any", input_tokens=9, max_output=9, thinking_budget=None, at=AT) == 0
    assert prices.cost("lite", MODEL, TOKENS, AT).usd == COST * D("0.9")
    assert prices.cost("gone", MODEL, TOKENS, AT).usd == COST


ENGINES = """
[engines.small]
kind = "ollama"
model = "qwen2.5:3b"
[engines.lite]
kind = "gemini"
model = "gemini-3.1-flash-lite"
discount = "0.1"
[engines.backup]
kind = "openai"
zone = "cloud"
model = "anthropic/claude-sonnet-4"
base_url = "https://openrouter.ai/api/v1"
key_env = "OPENROUTER_API_KEY"
"""
