"""How hard a model is told to think, and that the room set aside is what it really takes."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.catalogue import model_of, thinking_budget, thinking_level, thinking_room
from backends.catalogue.thinking import ROOM
from backends.types import Effort

LITE, PRO_25, FLASH_25, FLASH_38 = (
    model_of(f"gemini-{name}") for name in ("3.5-flash-lite", "2.5-pro", "2.5-flash", "3.8-flash")
)
KNOWN = [LITE, PRO_25, FLASH_25, FLASH_38, model_of("gemini-2.0-flash"), model_of("gemini-3-pro-preview")]
efforts = st.none() | st.sampled_from(get_args(Effort))
budgets = st.none() | st.integers(0, 100_000)


@pytest.mark.parametrize(
    ("effort", "budget", "level", "room"),
    [
        (None, None, None, 512),  # as it is wont to: its default is minimal
        (None, 0, "minimal", 512),
        (None, 2048, "low", 2048),
        ("none", 2048, "minimal", 512),
        ("minimal", None, "minimal", 512),
        ("low", None, "low", 1_024),
        ("medium", None, "medium", 8_192),
        ("high", None, "high", 24_576),
        ("xhigh", None, "high", 24_576),
        ("high", 2048, "low", 1_024),
    ],
)
def test_levels_and_their_rooms(effort: Effort | None, budget: int | None, level: Effort | None, room: int) -> None:
    assert thinking_level(LITE, effort, budget) == level
    assert thinking_budget(LITE, effort, budget) is None
    assert thinking_room(LITE, effort, budget) == room


def test_a_level_that_a_model_does_not_know_becomes_the_nearest_below_or_its_least() -> None:
    assert thinking_level(FLASH_38, "minimal", None) == "low"
    assert thinking_level(model_of("gemini-3-pro-preview"), "medium", None) == "low"


@pytest.mark.parametrize(
    ("effort", "budget", "told"),
    [
        (None, None, None),
        (None, 0, 0),
        (None, 2048, 2048),
        ("none", 2048, 0),
        ("high", 2048, 2048),
        ("low", None, 1_024),
    ],
)
def test_budgets(effort: Effort | None, budget: int | None, told: int | None) -> None:
    assert thinking_budget(FLASH_25, effort, budget) == told
    assert thinking_room(FLASH_25, effort, budget) == (24_576 if told is None else told)


def test_thinking_that_cannot_be_turned_off_has_its_room() -> None:
    assert thinking_budget(PRO_25, "none", 0) == thinking_room(PRO_25, "none", 0) == 128


@given(st.sampled_from(KNOWN), efforts, budgets)
def test_a_room_is_never_more_than_a_model_can_write_and_never_none_where_it_thinks(
    model: object, effort: Effort | None, budget: int | None
) -> None:
    known = next(one for one in KNOWN if one is model)
    room = thinking_room(known, effort, budget)
    assert 0 <= room <= known.max_output
    assert room or known.thinking == "none" or thinking_budget(known, effort, budget) == 0
    if (level := thinking_level(known, effort, budget)) is not None:
        assert level in known.levels
        assert room >= min(ROOM[level], known.max_output)


@given(st.sampled_from(KNOWN), efforts, st.integers(0, 50_000), st.integers(0, 50_000))
def test_a_larger_grant_never_leaves_less_room(model: object, effort: Effort | None, one: int, other: int) -> None:
    known = next(each for each in KNOWN if each is model)
    less, more = sorted((one, other))
    assert thinking_room(known, effort, less) <= thinking_room(known, effort, more)
