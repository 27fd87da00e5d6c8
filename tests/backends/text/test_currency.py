"""Dollars shown in another currency too, and never without the rate's day."""

from datetime import date
from decimal import Decimal

from backends.text.usd import exchange_rate, in_currency

RATE, DAY = Decimal("0.92"), date(2026, 11, 20)


def test_the_dollar_needs_no_second_figure() -> None:
    assert (in_currency(Decimal(5), "USD", Decimal(1)), exchange_rate("USD", Decimal(1), None)) == ("", "")


def test_another_currency_stands_behind_with_its_rate() -> None:
    assert in_currency(Decimal("5.00"), "EUR", RATE) == " ≈ 4.60 EUR"
    assert in_currency(Decimal("0.000123"), "EUR", RATE) == " ≈ 0.000113 EUR"
    assert in_currency(Decimal(0), "EUR", RATE) == " ≈ 0.00 EUR"
    assert exchange_rate("EUR", RATE, DAY) == "≈ at 0.92 EUR for a US dollar, the rate of 2026-11-20"
    assert exchange_rate("EUR", Decimal(1), None).endswith("a rate without a date")
