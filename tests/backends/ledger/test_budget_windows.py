"""Windows begin and end when the local calendar says, also on days that have no 24 hours."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.budget_windows import BEGINNING, Window, end, start

BERLIN = ZoneInfo("Europe/Berlin")
YEAR_2000, YEAR_2040 = datetime(2000, 1, 1), datetime(2040, 1, 1)  # noqa: DTZ001 — Hypothesis adds the zone
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
ZONES = [
    None,
    UTC,
    BERLIN,
    LORD_HOWE,
    ZoneInfo("America/Havana"),
    ZoneInfo("Asia/Kathmandu"),
    timezone(timedelta(hours=-9.5)),
]


def ending(window: Window, moment: datetime, zone: tzinfo | None) -> datetime:
    """The end of a window that has one."""
    ends = end(window, moment, zone)
    assert ends is not None
    return ends


@pytest.mark.parametrize(
    ("noon", "hours"),
    [
        (datetime(2026, 3, 29, 10, tzinfo=UTC), 23),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), 25),
        (datetime(2026, 6, 1, 10, tzinfo=UTC), 24),
    ],
)
def test_days_are_as_long_as_they_are(noon: datetime, hours: int) -> None:
    began, ends = start("day", noon, BERLIN), ending("day", noon, BERLIN)
    assert ends - began == timedelta(hours=hours)
    assert began.astimezone(BERLIN).hour == ends.astimezone(BERLIN).hour == 0


def test_the_hour_that_comes_twice_is_two_windows() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    assert first.astimezone(BERLIN).hour == second.astimezone(BERLIN).hour == 2
    assert start("hour", first, BERLIN) != start("hour", second, BERLIN)


@pytest.mark.parametrize(
    ("change", "before_s"),
    [
        (datetime(2026, 4, 4, 15, tzinfo=UTC), 3600),  # at two back to half past one, which the next hour has begun
        (datetime(2026, 10, 3, 15, 30, tzinfo=UTC), 3600),  # at two to half past two
    ],
)
def test_an_hour_ends_where_clocks_change_by_half_of_one(change: datetime, before_s: int) -> None:
    before, after = change - timedelta(minutes=1), change + timedelta(minutes=1)
    assert ending("hour", before, LORD_HOWE) == change == start("hour", after, LORD_HOWE)
    assert (change - start("hour", before, LORD_HOWE)).total_seconds() == before_s
    assert (ending("hour", after, LORD_HOWE) - change).total_seconds() == 1800
    for minute in range(-180, 180):
        moment = change + timedelta(minutes=minute)
        began, ends = start("hour", moment, LORD_HOWE), ending("hour", moment, LORD_HOWE)
        assert began <= moment < ends
        assert (start("hour", began, LORD_HOWE), start("hour", ends, LORD_HOWE)) == (began, ends)


def test_a_midnight_that_does_not_exist_is_the_moment_of_the_change() -> None:
    havana = ZoneInfo("America/Havana")
    noon = datetime(2026, 3, 8, 16, tzinfo=UTC)
    assert start("day", noon, havana) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert ending("day", noon, havana) - start("day", noon, havana) == timedelta(hours=23)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    wednesday = datetime(2026, 4, 1, 12, tzinfo=UTC)
    assert start("week", wednesday, BERLIN) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert end("week", wednesday, BERLIN) == datetime(2026, 4, 5, 22, tzinfo=UTC)
    assert start("month", wednesday, BERLIN) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert end("month", datetime(2026, 12, 31, 12, tzinfo=UTC), UTC) == datetime(2027, 1, 1, tzinfo=UTC)


def test_total_never_ends() -> None:
    assert start("total", datetime(2026, 1, 1, tzinfo=UTC)) == BEGINNING
    assert end("total", datetime(2026, 1, 1, tzinfo=UTC)) is None


@given(
    st.sampled_from([window for window in get_args(Window) if window != "total"]),
    st.datetimes(timezones=st.just(UTC), min_value=YEAR_2000, max_value=YEAR_2040),
    st.sampled_from(ZONES),
)
def test_windows_tile_time(window: Window, moment: datetime, zone: tzinfo | None) -> None:
    began, ends = start(window, moment, zone), ending(window, moment, zone)
    assert began <= moment < ends
    assert start(window, began, zone) == began
    assert start(window, ends, zone) == ends
