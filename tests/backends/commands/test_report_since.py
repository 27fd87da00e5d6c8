"""`--since`: spans and dates, and one line for everything else."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.commands.report import parse_since
from backends.errors import WrongUse

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30d", NOW - timedelta(days=30)),
        ("12h", NOW - timedelta(hours=12)),
        ("90m", NOW - timedelta(minutes=90)),
        (" 2w ", NOW - timedelta(weeks=2)),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("0001-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
        ("100000d", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2026-01-01T06:00", datetime(2026, 1, 1, 6, tzinfo=UTC)),
        ("2026-01-01T06:00+02:00", datetime(2026, 1, 1, 4, tzinfo=UTC)),
    ],
)
def test_spans_and_dates(text: str, moment: datetime) -> None:
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "3x", "d", "-3d", "999999w", "yesterday", "2026-13-01", "2026-02-01", "３０d\n"])
def test_everything_else_is_wrong_use(text: str) -> None:
    with pytest.raises(WrongUse, match="use 30d, 12h, or"):
        parse_since(text, NOW)


@given(st.text(max_size=30))
def test_only_its_own_error_is_raised(text: str) -> None:
    try:
        assert parse_since(text, NOW) <= NOW
    except WrongUse as error:
        assert "\n" not in str(error)
