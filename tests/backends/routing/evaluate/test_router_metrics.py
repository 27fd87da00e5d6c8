"""Measures of a router on rows that can be counted by hand, and their bounds on any."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.routing.evaluate.router_metrics import apgr, auc, cpt, curve, macro_f1, middle

WEAK, STRONG = np.array([0.0, 1, 0, 1]), np.ones(4)
RIGHT, WRONG = np.array([2.0, 0, 1, 0]), np.array([0.0, 2, 0, 1])
DICE = np.random.default_rng(0)


def test_macro_f1_is_the_mean_over_classes() -> None:
    assert macro_f1(["a", "b"], ["a", "b"]) == 1
    assert macro_f1(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(2 / 3)
    assert macro_f1(["a", "b"], ["b", "a"]) == 0


def test_auc_counts_pairs_and_halves_ties() -> None:
    assert auc([True, False], [0.9, 0.1]) == 1
    assert auc([True, False], [0.1, 0.9]) == 0
    assert auc([True, False, False], [0.5, 0.5, 0.1]) == 0.75
    assert math.isnan(auc([True, True], [0.1, 0.2]))


def test_the_curve_closes_the_gap_as_fast_as_the_score_finds_it() -> None:
    assert curve(RIGHT, WEAK, STRONG, DICE).tolist() == [0, 0.5, 1, 1, 1]
    assert curve(WRONG, WEAK, STRONG, DICE).tolist()[:3] == [0, 0, 0]


def test_apgr_and_cpt_prefer_the_score_that_finds_the_gap() -> None:
    assert apgr(RIGHT, WEAK, STRONG, DICE) == pytest.approx(0.75)
    assert apgr(WRONG, WEAK, STRONG, DICE) == pytest.approx(0.25)
    assert cpt(RIGHT, WEAK, STRONG, DICE) == 0.5
    assert cpt(WRONG, WEAK, STRONG, DICE) == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40))
def test_any_score_lies_between_the_best_and_the_worst(rows: list[tuple[float, bool]]) -> None:
    score, weak = np.array([one for one, _ in rows]), np.array([float(right) for _, right in rows])
    weak[0] = 0  # without a gap there is nothing to close
    strong = np.ones(len(rows))
    best = apgr(-weak, weak, strong, DICE)
    worst = apgr(weak, weak, strong, DICE)
    assert worst - 1e-9 <= apgr(score, weak, strong, DICE) <= best + 1e-9


def test_the_middle_leaves_a_fortieth_at_either_end() -> None:
    assert middle(list(range(41))) == (1, 39)
