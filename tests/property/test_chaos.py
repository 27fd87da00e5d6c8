"""Everything fails at once, in short."""

import asyncio
from pathlib import Path

import pytest

from benchmarks import chaos
from benchmarks.resilience import outage


@pytest.mark.proves("P1", "I1", "I3", "I4", "I5", "I11")
def test_while_everything_fails_the_ledger_stays_true_and_secrets_stay_at_home(tmp_path: Path) -> None:
    found = asyncio.run(chaos.measure(tmp_path, requests=220, kills=2, seed=4))
    assert found.holds, found
    assert found.figures["disturbances"]["kill -9"] == 2
    assert found.figures["how they ended"]["answered"] > 100
    assert found.figures["cloud"]["reported"] > 20


@pytest.mark.parametrize("down", outage.DIRECTIONS)
def test_where_one_engine_is_down_the_other_answers_everyone_who_may_use_it(tmp_path: Path, down: str) -> None:
    found = asyncio.run(outage.measure(tmp_path, down, 200, opened_s=0))
    assert found["requests that would rather have it"] == 100
    assert found["share answered"] == 1.0
