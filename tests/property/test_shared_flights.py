"""Twins: identical prompts asked at once share one call, whoever of them leaves, and share its failure too."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.types import Outcome
from tests.core import ask, policy, prompt, stand
from tests.waiting import until

TEXT = "name three uses of a cache"


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


@settings(max_examples=8)
@given(st.lists(st.one_of(st.none(), st.integers(0, 120)), min_size=2, max_size=6))
@pytest.mark.proves("K3")
def test_whoever_of_the_twins_leaves_the_others_get_the_whole_answer(leaves: list[int | None]) -> None:
    """Each caller stays, or leaves after so many turns of the loop; the first one leads."""

    async def play(home: Path) -> None:
        async with stand(home, change=cloudy) as it:
            callers = [asyncio.ensure_future(ask(it.core, prompt(TEXT, agent="writer"))) for _ in leaves]
            for turn in range(1 + max((left for left in leaves if left is not None), default=0)):
                for caller, left in zip(callers, leaves, strict=True):
                    if left == turn:
                        caller.cancel()
                await asyncio.sleep(0)
            await asyncio.wait(callers)
            stayed = [caller.result() for caller in callers if not caller.cancelled()]
            await until(it.idle)
            whole = {text for text, _ in stayed}
            assert len(whole) <= 1
            assert all(outcome.finish == "stop" for _, outcome in stayed)
            if any(left is None for left in leaves):
                assert sum(it.gemini.usage.ends[end] for end in ("finished",)) == 1
            paid = [outcome for _, outcome in stayed if outcome.cost_usd]
            assert len(paid) <= 1

            async def released() -> bool:
                return all(budget.reserved_usd == 0 for budget in await it.budgets())

            await until(released)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.proves("K3")
async def test_a_failure_is_shared_and_is_no_storm_of_retries(home: Path, status: int) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.inject(Fault(kind="status", status=status, times=None))
        asked = [ask(it.core, prompt(TEXT, agent="writer")) for _ in range(20)]
        outcomes: list[Outcome] = [outcome for _, outcome in await asyncio.gather(*asked)]
        calls = it.gemini.usage.ends["refused"]
        rows = it.rows()
    assert {outcome.finish for outcome in outcomes} == {"error"}
    assert calls <= 2
    assert len(rows) == 20
    assert sum(len(outcome.attempts) for outcome in outcomes) == calls


async def test_after_a_failure_the_next_one_asks_anew(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.inject(Fault(kind="status", status=400, times=1))
        _, failed = await ask(it.core, prompt(TEXT, agent="writer"))
        _, answered = await ask(it.core, prompt(TEXT, agent="writer"))
    assert (failed.finish, answered.finish, answered.cache) == ("error", "stop", "miss")
