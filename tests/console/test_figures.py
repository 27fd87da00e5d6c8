"""Figures: unknown is `–`, zero is `0`, and nothing spent looks like nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.present import figures
from console.present.rows import width


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
def test_money(amount: str | None, shown: str) -> None:
    assert figures.money(None if amount is None else Decimal(amount)) == shown


def test_an_estimated_cost_says_so() -> None:
    assert figures.money(Decimal("0.5"), estimated=True) == "≈$0.5000"


@pytest.mark.parametrize(
    ("amount", "shown"), [(None, "–"), ("0", "0"), ("0.0042", "$0.0042"), ("0.995", "$1.00"), ("-2", "-$2.00")]
)
def test_totals(amount: str | None, shown: str) -> None:
    assert figures.total(None if amount is None else Decimal(amount)) == shown


def test_limits() -> None:
    assert figures.limit(Decimal("5.00")) == "$5"
    assert figures.limit(Decimal("2.50")) == "$2.50"


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (840.4, "840"), (2140.0, "2,140"), (104_000.0, "104 s")])
def test_milliseconds(value: float | None, shown: str) -> None:
    assert figures.milliseconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (2.44, "2.4 s"), (36.0, "36 s"), (600.0, "10 min")])
def test_seconds(value: float | None, shown: str) -> None:
    assert figures.seconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.0, ".00"), (0.74, ".74"), (0.999, "1.0"), (1.0, "1.0")])
def test_unit(value: float, shown: str) -> None:
    assert figures.unit(value) == shown


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
    assert figures.size(value) == shown


def test_shares_and_rooms() -> None:
    assert figures.share(1, 0) == "–"
    assert figures.share(Decimal("0.5"), Decimal(2)) == "25 %"
    assert figures.gigabytes(None, None) == "–"
    assert figures.gigabytes(None, 1024**3) == "–/1.0 GB"
    assert figures.count(None) == "–"


def test_moments_name_their_day_where_it_is_another() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    assert figures.moment(None) == "–"
    assert figures.moment(at, at) == "00:00"
    assert figures.moment(at, datetime(2026, 11, 24, 23, tzinfo=UTC)) == "25 Nov 00:00"
    assert figures.clock(None) == "–"
    assert figures.clock(at, minutes=True) == "00:00"


def test_a_sparkline_shows_the_newest_points_and_what_is_unknown() -> None:
    assert figures.sparkline((0.0, 50.0, None, 100.0), 3, top=100.0) == "▅·█"
    assert figures.sparkline((None, None), 5) == "··"
    assert figures.sparkline((1.0,), 0) == ""
    assert figures.sparkline((0.0, 0.0), 4) == "▁▁"


@given(st.lists(st.tuples(st.floats(0, 2), st.just("good"), st.just("━")), max_size=3), st.integers(0, 80))
def test_a_bar_is_exactly_as_wide_as_asked(parts: list[tuple[float, figures.Tone, str]], cells: int) -> None:
    assert width(figures.bar(*parts, cells=cells)) == cells


def test_a_bar_never_hides_a_small_share() -> None:
    assert figures.bar((0.001, "bad", "━"), cells=10)[0].text == "━"


@pytest.mark.parametrize(("used", "tone"), [(0.5, "good"), (0.9, "warn"), (0.99, "bad"), (None, "border")])
def test_a_meter_warns_when_nearly_full(used: float | None, tone: str) -> None:
    assert figures.meter(used, 10)[0].tone == tone
