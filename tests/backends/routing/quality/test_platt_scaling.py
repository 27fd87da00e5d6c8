"""Corrections by outcomes: none without labels, slight with few; with many they follow the labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.routing.quality.platt_scaling import Correction, fit

CHANCES = st.floats(0, 1)
PAIRS = st.lists(st.tuples(CHANCES, CHANCES), max_size=40)


@given(PAIRS, CHANCES, CHANCES)
def test_any_labels_leave_chances_chances_and_their_order(
    pairs: list[tuple[float, float]], one: float, two: float
) -> None:
    correction = fit(pairs)
    low, high = sorted((one, two))
    assert 0 <= correction.apply(low) <= correction.apply(high) <= 1


@given(CHANCES)
def test_without_labels_nothing_changes(p: float) -> None:
    assert fit([]) == Correction()
    assert fit([]).apply(p) == p


def test_few_labels_move_it_a_little_and_many_all_the_way() -> None:
    few = fit([(0.9, 0.0)] * 3).apply(0.9)
    many = fit([(0.9, 0.0), (0.9, 1.0)] * 400).apply(0.9)
    assert 0.5 < few < 0.9
    assert many == pytest.approx(0.5, abs=0.03)


def test_it_finds_the_line_that_made_the_outcomes() -> None:
    dice = np.random.default_rng(1)
    said = dice.uniform(0.05, 0.95, 20_000)
    truth = 1 / (1 + np.exp(-(0.6 * np.log(said / (1 - said)) - 0.8)))
    found = fit(zip(said.tolist(), (dice.random(20_000) < truth).astype(float).tolist(), strict=True))
    assert (found.slope, found.shift, found.labels) == (
        pytest.approx(0.6, abs=0.05),
        pytest.approx(-0.8, abs=0.05),
        20_000,
    )


def test_labels_against_the_order_flatten_but_never_turn_it() -> None:
    correction = fit([(0.95, 0.0), (0.05, 1.0)] * 500)
    assert correction.slope > 0
    assert correction.apply(0.9) > correction.apply(0.1)
