"""Amounts, times and measures as text: unknown is `–`, zero is `0`, and a small amount is never zero."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backends.text.measures import count, gigabytes, probability, share, size, tokens
from backends.text.times import age, clock, milliseconds, moment, seconds
from backends.text.usd import about_usd, usd, usd_cents, usd_limit


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "–"),
        ("0", "0"),
        ("0.00000012", "<$0.0001"),
        ("0.0021", "$0.0021"),
        ("0.0118", "$0.0118"),
        ("0.42", "$0.4200"),
        ("1.4213", "$1.42"),
        ("1234.5", "$1,234.50"),
        ("-0.5", "-$0.5000"),
    ],
)
def test_usd(amount: str | None, shown: str) -> None:
    assert usd(None if amount is None else Decimal(amount)) == shown


def test_an_estimated_cost_says_so() -> None:
    assert usd(Decimal("0.5"), estimated=True) == "≈$0.5000"


@pytest.mark.parametrize(
    ("amount", "shown"), [(None, "–"), ("0", "0"), ("0.0042", "$0.0042"), ("0.995", "$1.00"), ("-2", "-$2.00")]
)
def test_cents(amount: str | None, shown: str) -> None:
    assert usd_cents(None if amount is None else Decimal(amount)) == shown


def test_limits() -> None:
    assert usd_limit(Decimal("5.00")) == "$5"
    assert usd_limit(Decimal("2.50")) == "$2.50"


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (840.4, "840"), (2140.0, "2,140"), (104_000.0, "104 s")])
def test_milliseconds(value: float | None, shown: str) -> None:
    assert milliseconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (2.44, "2.4 s"), (36.0, "36 s"), (600.0, "10 min")])
def test_seconds(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.0, ".00"), (0.74, ".74"), (0.999, "1.0"), (1.0, "1.0")])
def test_probability(value: float, shown: str) -> None:
    assert probability(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0 B"),
        (940.0, "940 B"),
        (9.1 * 1024**2, "9.1 MB"),
        (24.0 * 1024**3, "24.0 GB"),
        (300 * 1024.0, "300 KB"),
    ],
)
def test_size(value: float | None, shown: str) -> None:
    assert size(value) == shown


def test_shares_and_rooms() -> None:
    assert share(1, 0) == "–"
    assert share(Decimal("0.5"), Decimal(2)) == "25 %"
    assert gigabytes(None, None) == "–"
    assert gigabytes(None, 1024**3) == "–/1.0 GB"
    assert count(None) == "–"


def test_moments_name_their_day_where_it_is_another() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    assert moment(None) == "–"
    assert moment(at, at) == "00:00"
    assert moment(at, datetime(2026, 11, 24, 23, tzinfo=UTC)) == "25 Nov 00:00"
    assert clock(None) == "–"
    assert clock(at, minutes=True) == "00:00"


@pytest.mark.parametrize(("amount", "shown"), [("0", "0"), ("0.00001", "<$0.0001"), ("0.0021", "~$0.0021")])
def test_an_expected_amount_is_approximate_unless_it_is_nothing(amount: str, shown: str) -> None:
    assert about_usd(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (840, "840"),
        (1_024, "1k"),
        (32_768, "32k"),
        (38_211, "38k"),
        (200_000, "200k"),
        (999_499, "999k"),
        (999_700, "1M"),
        (1_000_000, "1M"),
        (1_048_576, "1M"),
        (1_240_000, "1.2M"),
        (12_345_678, "12.3M"),
    ],
)
def test_tokens(value: int | None, shown: str) -> None:
    assert tokens(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, ""), (59.9, ""), (60, "1 m"), (3599, "59 m"), (3600, "1 h"), (86_400, "1 d"), (-5, "")]
)
def test_age(seconds: float, shown: str) -> None:
    assert age(seconds) == shown
