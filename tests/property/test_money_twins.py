"""Money between the twins: what the core booked against what the engines counted, also where it is killed."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.evaluation import budget_crash, mixed_traffic
from benchmarks.evaluation.ledger_accuracy import twins


async def test_i3_i4_every_cent_and_token_that_the_twins_counted_is_booked(home: Path) -> None:
    found = await mixed_traffic.measure(home, 300, seed=5)
    assert mixed_traffic.is_equal(found), found
    assert found["reported calls"] > 100
    assert found["estimated calls"] > 0
    assert found["reported, tokens"]["thinking"] > 0
    assert found["reported, tokens"]["cached_input"] > 0


@pytest.mark.parametrize(("scope", "status"), [("engine:cloud", "402"), ("session", "429")])
def test_i2_a_hard_budget_holds_while_the_core_is_killed_under_load(tmp_path: Path, scope: str, status: str) -> None:
    limit = Decimal("0.006")
    with twins() as stage:
        found = asyncio.run(
            budget_crash.measure(stage, tmp_path, rounds=2, parallel=100, seed=3, limit=limit, scope=scope)
        )
    assert found["overrun USD"] == 0
    assert found["faults in the ledger"] == []
    assert found["calls left open"] == 0
    assert found["how they ended"].get(status, 0) > 0, "the budget was never reached"
    assert limit >= found["charged USD"] >= found["billed USD"]
