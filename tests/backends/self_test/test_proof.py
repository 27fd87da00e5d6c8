"""The self-test: green on a sound core, and red for each thing that can be wrong."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.commands.prove import as_json, as_table
from backends.self_test import proof as self_test
from backends.self_test.callers import End, Heard, Posted
from backends.self_test.invariants import Limit, compare
from backends.self_test.proof import Callers, Proof, ProofLine, caller_lines, ledger_lines
from tests.backends.ledger.samples import admission, attempt, opened, outcome, paths
from tests.backends.self_test.test_invariants import ANSWERED, a_twin


@pytest.mark.proves("P1", "I1", "I3", "I4", "I5", "I6", "I8", "I9")
def test_everything_fails_once_and_all_of_it_holds(tmp_path: Path) -> None:
    told: list[str] = []
    found = asyncio.run(self_test.prove(tmp_path, seed=3, tell=told.append, scene_s=0.4))
    assert found.holds, found
    assert found.done["kill -9"] == 3
    assert {"network gone", "disk full"} <= found.done.keys()
    checked = {line.promise: line.checked for line in found.lines}
    assert all(count is None or count > 0 for count in checked.values()), checked
    assert "the disk is full" in told


SOUND = Proof(
    seed=1,
    seconds=0.1,
    requests=1,
    done={},
    not_done=(),
    lines=(ProofLine("a request has one row", 1, 0),),
    details=("a \x1b[31mdetail",),
)


@pytest.mark.parametrize("broken", [0, 1, Decimal("0.01")])
def test_the_table_says_whether_all_of_it_holds(broken: int | Decimal) -> None:
    found = replace(SOUND, lines=(*SOUND.lines, ProofLine("no budget is overrun", None, broken)))
    assert found.holds is not bool(broken)
    table = as_table(found)
    assert ("NOT all of it holds" in table) is bool(broken)
    assert "\x1b" not in table
    assert json.loads(as_json(found))["holds"] is found.holds


def test_without_any_request_nothing_is_proved() -> None:
    assert not replace(SOUND, requests=0).holds


UNCLEAR = "answers with neither an end nor an error, or with both"


async def test_each_thing_that_is_compared_is_part_of_a_promise(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.admit(admission("a", run="n1"))
        await ledger.settle(outcome("a", attempt(), run="n1"))
    limits = [Limit("", Decimal(1)), Limit("coding", Decimal(1))]
    sound = await asyncio.to_thread(
        compare, paths(tmp_path).ledger, {"cloud": a_twin()}, heard=[ANSWERED], limits=limits
    )
    assert not any(line.broken for line in ledger_lines(sound, looks=1, overrun=Decimal(0)))
    for name in sound.must_be_zero.keys() - {UNCLEAR}:  # which callers' own lines count
        wrong = replace(sound, must_be_zero=sound.must_be_zero | {name: Decimal(1)})
        assert any(line.broken for line in ledger_lines(wrong, looks=1, overrun=Decimal(0))), name


@pytest.mark.parametrize(
    ("end", "seconds", "agent", "sensitive", "broken"),
    [
        ("answered", 0.1, "claw", False, 0),
        ("refused", 0.1, "claw", False, 1),  # the other zone may answer it
        ("refused", 0.1, "claw", True, 0),
        ("refused", 0.1, "scout", False, 0),
        ("unclear", 0.1, "scout", False, 1),
        ("answered", 60.0, "scout", False, 1),
        ("gone", 0.1, "claw", False, 0),  # its core was killed
        ("gone", 60.0, "claw", False, 1),
    ],
)
def test_what_callers_must_not_hear_is_seen(end: End, seconds: float, agent: str, sensitive: bool, broken: int) -> None:
    posted = Posted(1, {"stream": False}, {"X-Claw-Agent": agent}, sensitive=sensitive)
    callers = Callers(iter([posted]))
    assert list(callers.plans()) == [posted]
    callers.heard.append(Heard(1, end, 200, "a", 10.0, seconds))
    assert sum(line.broken for line in caller_lines(callers, [(9.0, 80.0)])) == broken
