"""Amounts in the operator's currency, after ≈. They are kept, compared and enforced in US dollars."""

from decimal import Decimal

from backends.settings.money import Money


def also(usd: Decimal, money: Money) -> str:
    """The amount in the operator's currency, as " ≈ 4.60 EUR"; "" where that is the dollar."""
    if money.currency == "USD":
        return ""
    amount = usd * money.rate
    shown = f"{amount:,.2f}" if abs(amount) >= 1 or not amount else f"{amount:.6f}"
    return f" ≈ {shown} {money.currency}"


def footnote(money: Money) -> str:
    """The exchange rate and its day; "" where the operator's currency is the dollar."""
    if money.currency == "USD":
        return ""
    day = f", the rate of {money.rate_date}" if money.rate_date else ", a rate without a date"
    return f"≈ at {money.rate:f} {money.currency} for a US dollar{day}"
