"""Dollars shown in another currency too, and never without the rate's day."""

from datetime import date
from decimal import Decimal

from backends.ledger.currency import also, footnote
from backends.settings.money import Money

EUR = Money(currency="EUR", rate=Decimal("0.92"), rate_date=date(2026, 11, 20))


def test_the_dollar_needs_no_second_figure() -> None:
    assert (also(Decimal(5), Money()), footnote(Money())) == ("", "")


def test_another_currency_stands_behind_with_its_rate() -> None:
    assert also(Decimal("5.00"), EUR) == " ≈ 4.60 EUR"
    assert also(Decimal("0.000123"), EUR) == " ≈ 0.000113 EUR"
    assert also(Decimal(0), EUR) == " ≈ 0.00 EUR"
    assert footnote(EUR) == "≈ at 0.92 EUR for a US dollar, the rate of 2026-11-20"
    assert footnote(Money(currency="EUR", rate=Decimal(1))).endswith("a rate without a date")
