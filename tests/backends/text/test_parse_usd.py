"""Amounts as people type them, in any country."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.usd import parse_usd


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("2,50", "2.50"),
        ("2.50", "2.50"),
        ("$250", "250"),
        (" 12. ", "12"),
        (",5", "0.5"),
        ("0.125", "0.125"),
        ("1,000.50", "1000.50"),
        ("1.000,50", "1000.50"),
        ("1,000,000", "1000000"),
        ("1.000.000,5", "1000000.5"),
        ("1000.000", "1000"),
    ],
)
def test_what_can_be_read_in_one_way_is_read_so(typed: str, amount: str) -> None:
    assert parse_usd(typed) == Decimal(amount)


@pytest.mark.parametrize("typed", ["1,000", "1.000", "$25.000", "999,999"])
def test_what_may_be_two_amounts_is_refused_with_both(typed: str) -> None:
    plain = typed.strip("$").replace(",", "").replace(".", "")
    with pytest.raises(ValueError, match=rf"may be {plain} or \d+(\.\d+)?: type that one"):
        parse_usd(typed)


@pytest.mark.parametrize(
    "typed", ["", "$", ".", "1.2.3", "1,00,000", "1,000,00", "-5", "1e3", "٣", "NaN", "2 50", "0,500,000"]
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        parse_usd(typed)


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_every_amount_is_read_back_from_each_way_to_write_it(amount: Decimal) -> None:
    american = f"{amount:,.2f}"
    european = american.translate(str.maketrans(",.", ".,"))
    assert parse_usd(f"{amount:f}") == parse_usd(american) == parse_usd(european) == amount
