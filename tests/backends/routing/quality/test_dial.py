"""The dial: monotone, and its numbers mean the same on any reference set."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.routing.quality.dial import ALL, NONE, Dial, threshold
from backends.types import DialBy

SHARES = st.floats(0, 1)
GAINS = st.lists(st.floats(-0.2, 1), min_size=2, max_size=60).map(sorted)
BYS: tuple[DialBy, ...] = ("quality", "cloud-share")


@given(GAINS, SHARES, SHARES, st.sampled_from(BYS))
def test_a_higher_dial_never_sends_less_to_the_cloud(gains: list[float], one: float, two: float, by: DialBy) -> None:
    low, high = sorted((one, two))
    assert threshold(high, by, gains) <= threshold(low, by, gains)


@given(GAINS, st.sampled_from(BYS))
def test_the_ends_are_all_local_and_all_that_gains(gains: list[float], by: DialBy) -> None:
    assert threshold(0, by, gains) == NONE
    assert threshold(1, by, gains) == (ALL if by == "cloud-share" else 0)


@given(SHARES, st.floats(0.1, 10))
def test_a_share_of_calls_is_that_share_whatever_the_scores_scale(dial: float, stretch: float) -> None:
    gains = np.linspace(0, 0.09, 201) ** stretch
    assert Dial(tuple(gains)).cloud_share(threshold(dial, "cloud-share", list(gains))) == pytest.approx(dial, abs=0.01)


@given(st.floats(0.02, 0.98), st.lists(st.floats(0.01, 1), min_size=20, max_size=80))
def test_quality_is_the_share_kept_of_the_clouds_gain(dial: float, gains: list[float]) -> None:
    quantiles = np.array(Dial.over(gains).quantiles)
    limit = threshold(dial, "quality", tuple(quantiles))
    kept = quantiles[quantiles > limit].sum() / quantiles.sum()
    room = 3 * quantiles.max() / quantiles.sum() + (quantiles == limit).sum() * limit / quantiles.sum()
    assert kept == pytest.approx(dial, abs=room + 0.02)


def test_where_the_cloud_never_gains_quality_asks_for_it_only_above_nothing() -> None:
    assert threshold(0.8, "quality", (0.0, 0.0, 0.0)) == 0


def test_the_shipped_dial_is_ordered_and_turns() -> None:
    dial = Dial.load()
    assert list(dial.quantiles) == sorted(dial.quantiles)
    shares = [dial.cloud_share(dial.threshold(at, "quality")) for at in (0, 0.5, 0.8, 0.95, 1)]
    assert shares[0] == 0
    assert all(low < high for low, high in pairwise(shares))
