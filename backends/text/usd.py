"""US dollars as text."""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from backends.text.measures import UNKNOWN

_PLAIN = re.compile(r"[0-9]+[.,]?[0-9]*|[.,][0-9]+")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(,[0-9]{3})+(?:\.[0-9]*)?|(\.[0-9]{3})+(?:,[0-9]*)?)")
"""Thousands with separators, and then a fraction behind the other one."""
_CENT, _TENTH_OF_A_MILL = Decimal("0.01"), Decimal("0.0001")


def usd(amount: Decimal | None, *, estimated: bool = False) -> str:
    """`$1.42`; four decimals below a dollar (`$0.0021`), `<$0.0001` below those, `0` for nothing, `–` for unknown."""
    if amount is None:
        return UNKNOWN
    if amount == 0:
        return "0"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size < _TENTH_OF_A_MILL / 2:
        return f"{sign}<$0.0001"
    places = _CENT if size >= 1 else _TENTH_OF_A_MILL
    return f"{'≈' if estimated else ''}{sign}${size.quantize(places, ROUND_HALF_UP):,}"


def about_usd(amount: Decimal) -> str:
    """An expected amount: `~$0.0021`; without the `~` where it is nothing or next to nothing."""
    return f"{'~' if amount >= _TENTH_OF_A_MILL / 2 else ''}{usd(amount)}"


def usd_cents(amount: Decimal | None) -> str:
    """A total in whole cents, `$1.42`; below a cent as `usd`, so that a fraction that was spent is never zero."""
    if amount is None or abs(amount) < _CENT:
        return usd(amount)
    return f"{'-' if amount < 0 else ''}${abs(amount).quantize(_CENT, ROUND_HALF_UP):,}"


def usd_limit(amount: Decimal) -> str:
    """A budget's limit: `$5`, `$2.50`."""
    return f"${amount.quantize(Decimal(1)):,}" if amount == amount.to_integral_value() else usd_cents(amount)


def parse_usd(text: str) -> Decimal:
    """An amount as people type it: `2.50`, `2,50`, `$1,000.50`, `1.000,50`. Raises ValueError with the reason for what
    is no amount, and for what may be two: `1,000` is a thousand to one reader and one to another.
    """
    amount = text.strip().removeprefix("$").strip()
    plain, grouped = _PLAIN.fullmatch(amount), _GROUPED.fullmatch(amount)
    if plain and grouped:
        whole = re.sub("[.,]", "", amount)
        raise ValueError(f"{amount} may be {whole} or {Decimal(amount.replace(',', '.')).normalize():f}: type that one")
    if plain:
        return Decimal(amount.replace(",", "."))
    if grouped:
        thousands = "," if grouped[1] else "."
        return Decimal(amount.replace(thousands, "").replace(",", "."))
    raise ValueError(f"{text!r} is no amount: type one like 2.50")


def usd_fine(amount: Decimal) -> str:
    """A sum of many small costs: to the cent from a dollar on, else to a millionth: `$12.34`, `$0.000123`, `$0.00`."""
    size = abs(amount)
    shown = f"{size:,.2f}" if size >= 1 or not size else f"{size:.6f}"
    return f"{'-' if amount < 0 else ''}${shown}"


def in_currency(amount: Decimal, currency: str, rate: Decimal) -> str:
    """US dollars in another currency, to stand behind them: ` ≈ 4.60 EUR`; nothing where that is USD."""
    if currency == "USD":
        return ""
    converted = amount * rate
    shown = f"{converted:,.2f}" if abs(converted) >= 1 or not converted else f"{converted:.6f}"
    return f" ≈ {shown} {currency}"


def exchange_rate(currency: str, rate: Decimal, day: date | None) -> str:
    """What stands below converted amounts: `≈ at 0.92 EUR for a US dollar, the rate of 2026-11-20`; "" for USD."""
    if currency == "USD":
        return ""
    of = f", the rate of {day}" if day else ", a rate without a date"
    return f"≈ at {rate:f} {currency} for a US dollar{of}"
