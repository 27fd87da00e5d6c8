from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.upstream.explicit_cache import (
    LEAST_READS,
    LEAST_TOKENS,
    LIKELY,
    SECONDS,
    CachePrices,
    ReadRates,
    pays_to_keep,
    pays_to_make,
    storage_usd,
)

M = Decimal(1_000_000)
FLASH = CachePrices(input=Decimal("0.30") / M, cached=Decimal("0.03") / M, stored=Decimal(1) / M)
shares = st.decimals(0, 1, places=2)
reads = st.decimals(0, 500, places=1)


def test_storage_costs_by_the_token_and_the_hour() -> None:
    assert storage_usd("gemini-3.5-flash-lite", 1_000_000 * 3600) == 1
    assert storage_usd("gemini-2.5-pro", 1_000_000 * 3600) == Decimal("4.5")
    assert storage_usd("gemini-3.5-flash-lite", 12_000 * 300) == Decimal("0.001")


@pytest.mark.parametrize(
    ("expected", "held", "pays"),
    [
        ("2", "0", False),  # 0.54 saved for 0.38
        ("3", "0", True),
        ("10", "0.5", True),
        ("10", "0.9", False),
        ("500", "1", False),
    ],
)
def test_one_is_made_where_it_clearly_saves_more_than_it_costs(expected: str, held: str, pays: bool) -> None:
    assert pays_to_make(20_000, reads=Decimal(expected), held=Decimal(held), prices=FLASH) == pays
    assert not pays_to_make(LEAST_TOKENS - 1, reads=Decimal(expected), held=Decimal(held), prices=FLASH)


@given(reads, shares, reads, shares)
def test_more_reads_and_less_that_is_held_never_speak_against_it(
    few: Decimal, much: Decimal, more: Decimal, less: Decimal
) -> None:
    low = pays_to_make(20_000, reads=min(few, more), held=max(much, less), prices=FLASH)
    high = pays_to_make(20_000, reads=max(few, more), held=min(much, less), prices=FLASH)
    assert high or not low


@given(reads, shares)
def test_what_pays_to_make_pays_to_keep(expected: Decimal, held: Decimal) -> None:
    if pays_to_make(20_000, reads=expected, held=held, prices=FLASH):
        assert pays_to_keep(20_000, reads=expected, held=held, prices=FLASH)


def test_a_sessions_next_reads_follow_from_its_pace() -> None:
    clock = ManualClock()
    rates = ReadRates(clock.monotonic)
    for number in range(LEAST_READS):
        assert rates.expected("s") == 0, number
        rates.read("s")
        clock.advance(100)
    assert rates.expected("s") == LEAST_READS * LIKELY
    for _ in range(20):
        rates.read("s")
        clock.advance(100)
    assert round(rates.expected("s")) == 3
    assert rates.expected("other") == 0
    clock.advance(SECONDS)
    assert rates.expected("s") == 0


def test_a_few_quick_calls_promise_no_hundreds() -> None:
    rates = ReadRates(ManualClock().monotonic)
    for _ in range(LEAST_READS):
        rates.read("s")
    assert rates.expected("s") == LIKELY * LEAST_READS


def test_only_the_last_sessions_are_remembered() -> None:
    rates = ReadRates(ManualClock().monotonic, sessions=2)
    for name in "abc":
        for _ in range(LEAST_READS):
            rates.read(name)
    assert [rates.expected(name) > 0 for name in "abc"] == [False, True, True]
