"""Settings files and ledgers of the first version, which knew two engines and no zones, open as they are."""

import asyncio
import json
import sqlite3
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.clock import ManualClock
from backends.commands import main
from tests.core import ask, prompt, stand

FILES = Path(__file__).parent / "first_version"
WRITTEN = datetime(2026, 11, 30, 19, 4, tzinfo=UTC)


def leaves(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting of a TOML document by its dotted key, as `claw config` writes it."""
    for name, value in table.items():
        key = prefix + (name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name))
        if isinstance(value, dict):
            yield from leaves(value, f"{key}.")
        else:
            yield key, value


def test_every_setting_of_the_first_version_means_what_it_meant(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    text = (FILES / "claw.toml").read_text()
    (home / "claw.toml").write_text(text)
    assert main(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    given = dict(leaves(tomllib.loads(text)))
    budgets = given.pop("budgets")
    assert {key: shown[key]["value"] for key in given} == given
    assert [budget | was for budget, was in zip(shown["budgets"]["value"], budgets, strict=True)] == (
        shown["budgets"]["value"]
    )
    assert (shown["engines.local.kind"]["value"], shown["engines.cloud.kind"]["value"]) == ("ollama", "gemini")


@pytest.fixture
def ledger(home: Path) -> None:
    """A ledger as the first version left it: answers from both engines and the cache, and a failure."""
    path = home / "state" / "ledger.db"
    path.parent.mkdir(parents=True, mode=0o700)
    with sqlite3.connect(path) as db:
        db.executescript((FILES / "ledger.sql").read_text())
    db.close()


@pytest.mark.usefixtures("ledger")
async def test_a_ledger_of_the_first_version_opens_and_knows_its_zones(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stand(home, clock=ManualClock(WRITTEN)) as it:
        rows = it.rows()
        assert [(row["engine"], row["zone"]) for row in rows] == [
            ("local", "local"),
            ("cloud", "cloud"),
            ("cache", "local"),
            ("local", "local"),
            ("cache", "local"),
            ("local", "local"),
        ]
        assert (await it.budget()).spent_usd == Decimal("0.0001605")
        await ask(it.core, prompt("hello", agent="scout"))
        *earlier, last = it.rows()
        assert earlier == rows
        assert (last["engine"], last["zone"]) == ("local", "local")
    assert await asyncio.to_thread(main, ["ledger", "verify"]) == 0
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["report", "--by", "zone", "--since", "2026-11-30", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["key"]: (row["requests"], row["cost_usd"]) for row in report["rows"]} == {
        "local": (6, "0"),
        "cloud": (1, "0.0001605"),
    }
