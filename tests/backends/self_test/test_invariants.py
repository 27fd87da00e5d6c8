"""What holds the ledger against the twins sees each thing that can be wrong."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backends.rehearsal.gemini_twin import GeminiTwin
from backends.self_test.callers import Heard
from backends.self_test.invariants import Limit, compare, files_with
from backends.types import Tokens
from tests.backends.ledger.samples import MODEL, TOKENS, admission, attempt, opened, outcome, paths

ANSWERED = Heard(1, "answered", 200, "a", 0.0, 0.1)
SPENT = Decimal("0.000621")
CANARY = "canary"


async def a_ledger(home: Path, *, run: str = "n1", tokens: Tokens = TOKENS, second: bool = False) -> None:
    """One answered request with one call, or a second one of the same caller's request."""
    async with opened(home) as ledger:
        for id in ("a", "b") if second else ("a",):
            await ledger.admit(admission(id, run=run))
            await ledger.settle(outcome(id, attempt(tokens=tokens), run=run))


def a_twin(*, calls: int = 1) -> GeminiTwin:
    twin = GeminiTwin()
    for _ in range(calls):
        call = twin.usage.begin("generateContent", MODEL)
        call.input, call.output, call.thinking, call.cached = 1000, 100, 50, 200
        twin.usage.end(call, "finished")
    return twin


async def test_what_agrees_is_found_to_agree(tmp_path: Path) -> None:
    await a_ledger(tmp_path)
    found = await asyncio.to_thread(
        compare,
        paths(tmp_path).ledger,
        {"cloud": a_twin()},
        heard=[ANSWERED],
        limits=[Limit("scout", SPENT)],
    )
    assert found.holds, found
    assert found.figures["cloud"]["reported"] == 1


WITHOUT_ROW = Heard(2, "answered", 200, "c", 0.0, 0.1)


class Case(NamedTuple):
    what: str
    heard: tuple[Heard, ...] = (ANSWERED,)
    calls: int = 1
    limit: Decimal = SPENT
    made: dict[str, Any] = {}


CASES = (
    Case("acknowledged requests without a row", heard=(ANSWERED, WITHOUT_ROW)),
    Case("requests with two rows", calls=2, limit=2 * SPENT, made={"second": True}),
    Case("rows of no request", made={"run": "n7"}),
    Case("cloud: calls of the twin in no row", calls=2),
    Case("cloud: attempts that were answered and no twin counted", calls=0),
    Case("cloud: calls reported otherwise than the twin counted", made={"tokens": Tokens(input=1000)}),
    Case("USD over the budget of scout", limit=SPENT / 2),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
async def test_what_differs_is_seen(tmp_path: Path, case: Case) -> None:
    await a_ledger(tmp_path, **case.made)
    ledger, twins = paths(tmp_path).ledger, {"cloud": a_twin(calls=case.calls)}
    found = await asyncio.to_thread(compare, ledger, twins, heard=case.heard, limits=[Limit("scout", case.limit)])
    assert found.must_be_zero[case.what] > 0
    assert not found.holds


def test_a_secret_in_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "claw.log").write_text(f"a line with {CANARY}7 in it")
    (tmp_path / "state" / "other").write_text("a line without")
    assert files_with(CANARY, tmp_path) == ["state/claw.log"]
