"""`claw report`, `claw budget` and `claw ledger`, run as a user runs them."""

import asyncio
import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from backends.commands import main
from backends.ledger.lock import Lock
from backends.paths import Paths
from tests.backends.ledger.samples import COST, admission, attempt, daily, opened, outcome

NOW = datetime.now(UTC)


@pytest.fixture
def filled(home: Path) -> Path:
    async def fill() -> None:
        async with opened(home, [daily("5")]) as ledger:
            for id, agent in (("a", "scout"), ("b", "writer")):
                await ledger.admit(admission(id, agent=agent))
                await ledger.settle(outcome(id, attempt(), agent=agent, at=NOW, baseline_usd=COST * 4))

    asyncio.run(fill())
    return home


def test_report_as_json(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--json", "--by", "agent", "--since", "1h"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["key"] for row in found["rows"]] == ["scout", "writer"]
    assert found["total"]["cost_usd"] == str(2 * COST)
    assert found["total"]["saved_usd"] == str(6 * COST)


def test_report_as_csv_and_table(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--format", "csv", "--by", "model"]) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 1
    assert main(["report"]) == 0
    assert "saved by: routing" in capsys.readouterr().out


def test_report_has_its_total_in_the_operators_currency_too(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "money.currency", "EUR"]) == 0
    assert main(["config", "set", "money.rate", '"0.5"']) == 0
    capsys.readouterr()
    assert main(["report"]) == 0
    said = capsys.readouterr().out
    assert f"total ≈ {COST:.6f} EUR, saved ≈ {COST * 3:.6f} EUR; ≈ at 0.5 EUR" in said
    assert main(["report", "--json"]) == 0
    assert "EUR" not in capsys.readouterr().out


def test_report_as_focus(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--format", "focus"]) == 0
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert sum(Decimal(record["BilledCost"]) for record in (first, second)) == 2 * COST
    assert (first["ServiceName"], first["ProviderName"], first["BillingCurrency"]) == ("Gemini API", "Google", "USD")
    assert json.loads(first["Tags"]) == {"agent": "scout", "engine": "cloud"}
    assert first["ConsumedQuantity"] == "1150"
    assert first["ChargePeriodStart"] == f"{NOW:%Y-%m-%d}T00:00:00Z"
    assert first["BillingPeriodStart"] == f"{NOW:%Y-%m}-01T00:00:00Z"


@pytest.mark.parametrize("argv", [["report", "--since", "soon"], ["report", "--by", "colour"], ["ledger", "eat"]])
def test_wrong_use_is_one_line(argv: list[str], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1


def test_nothing_is_made_where_there_is_no_ledger(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 0
    assert main(["budget", "--json"]) == 0
    assert main(["ledger", "verify"]) == 1
    assert main(["ledger", "export"]) == 1
    assert not home.exists()
    assert "the first core that starts makes one" in capsys.readouterr().err


def test_budget_is_that_of_the_settings(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled.joinpath("claw.toml").write_text(
        '[[budgets]]\nscope = "agent:scout"\nwindow = "total"\nlimit_usd = "0.01"\n[[budgets]]\nlimit_usd = "1.00"\n'
    )
    assert main(["budget", "--json"]) == 0
    scout, everything = json.loads(capsys.readouterr().out)["budgets"]
    assert scout == {
        "scope": "agent:scout",
        "window": "total",
        "limit_usd": "0.01",
        "spent_usd": str(COST),
        "reserved_usd": "0",
        "left_usd": str(Decimal("0.01") - COST),
    }
    assert everything["window"] == "day"
    assert main(["budget"]) == 0
    table = capsys.readouterr().out
    assert "agent:scout in total" in table
    assert "all a day" in table


def test_budget_of_each_session_is_one_line_with_how_many_are_near_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fill() -> None:
        async with opened(home) as ledger:
            for number, usd in enumerate(("0.1", "0.45", "0.5")):
                await ledger.settle(outcome(f"r{number}", attempt(usd), session=f"s{number}", at=NOW))

    asyncio.run(fill())
    home.joinpath("claw.toml").write_text('[[budgets]]\nscope = "session"\nwindow = "total"\nlimit_usd = "0.50"\n')
    assert main(["budget", "--json"]) == 0
    (state,) = json.loads(capsys.readouterr().out)["budgets"]
    assert (state["spent_usd"], state["members"], state["near"], state["spent_out"]) == ("0.5", 3, 2, 1)
    assert main(["budget"]) == 0
    said = capsys.readouterr().out
    assert said.count("each session in total") == 2
    assert "of the 3 charged last, 2 have reached 90% of the limit, 1 all of it" in said
    assert main(["report", "--by", "session", "--since", "1h"]) == 0
    assert "scout/s2" in capsys.readouterr().out


def test_no_budgets(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    home.joinpath("claw.toml").write_text("budgets = []\n")
    assert main(["budget"]) == 0
    assert "no budgets are set" in capsys.readouterr().out


def test_budget_shows_what_a_running_core_has_reserved(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def admitted() -> None:
        async with opened(home) as ledger:
            await ledger.admit(admission("a", "0.75"))
            await ledger.reserve(
                "a", engine="cloud", zone="cloud", model="gemini-3.5-flash-lite", amount=Decimal("0.25")
            )
            assert await asyncio.to_thread(main, ["budget", "--json"]) == 0

    asyncio.run(admitted())
    home.joinpath("claw.toml").write_text('[[budgets]]\nwindow = "total"\nlimit_usd = "5"\n')
    assert main(["budget", "--json"]) == 0
    (state,) = json.loads(capsys.readouterr().out.splitlines()[-1])["budgets"]
    assert (state["reserved_usd"], state["left_usd"]) == ("1.00", "4.00")
    assert main(["budget"]) == 0
    assert "no core runs: what is reserved is of calls that one left open" in capsys.readouterr().out


def test_rehearsal_has_a_ledger_of_its_own(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--json", "--rehearse"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["requests"] == 0
    assert main(["ledger", "path", "--rehearse"]) == 0
    assert capsys.readouterr().out == f"{filled}/state/rehearsal/ledger.db\n"


def test_verify(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "verify"]) == 0
    assert capsys.readouterr().out.startswith("sound: 2 rows")
    with closing(sqlite3.connect(Paths.find().ledger)) as db, db:
        db.execute("UPDATE requests SET cost_usd = '1'")
    assert main(["ledger", "verify", "--json"]) == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["ok"], found["rows"], len(found["faults"])) == (False, 2, 4)
    assert said.err.startswith("claw: 4 faults in ")
    assert main(["ledger", "verify"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_verify_allows_open_calls_of_a_running_core(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def admitted() -> None:
        async with opened(home) as ledger:
            await ledger.admit(admission("a"))

    asyncio.run(admitted())
    assert main(["ledger", "verify"]) == 1
    assert "start one, and nothing is lost" in capsys.readouterr().err
    lock = Lock.take(Paths.find().lock)
    assert main(["ledger", "verify"]) == 0
    lock.release()


def test_export(filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "export"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "b"]
    assert json.loads(lines[0])["attempts"][0]["cost_usd"] == str(COST)
    file = tmp_path / "rows.jsonl"
    assert main(["ledger", "export", str(file)]) == 0
    assert file.read_text().splitlines() == lines
    assert file.stat().st_mode & 0o777 == 0o600


def test_backup(filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "copy.db"
    assert main(["ledger", "backup", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM requests_v1").fetchone() == (2,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claw", "copy.db"]
    content = file.read_bytes()
    assert main(["ledger", "backup", str(file)]) == 2
    assert file.read_bytes() == content
    assert main(["ledger", "backup"]) == 2
    assert main(["ledger", "verify", str(file)]) == 2
    assert main(["ledger", "backup", str(tmp_path / "nowhere" / "copy.db")]) == 1


def test_a_damaged_ledger_is_left_to_the_core(filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Paths.find().ledger.write_bytes(b"a letter, not a database" * 300)
    for argv in (["report"], ["budget"], ["ledger", "verify"], ["ledger", "backup", str(tmp_path / "copy.db")]):
        assert main(argv) == 1
        assert "restore a backup" in capsys.readouterr().err
    assert Paths.find().ledger.exists()
    assert not (tmp_path / "copy.db").exists()


SMALL, BACKUP = "qwen2.5:3b", "anthropic/claude-sonnet-4"


@pytest.fixture
def five_engines(home: Path) -> Path:
    """A request of each of five engines, one of the cache, and a budget of one of them."""
    calls = (
        attempt("0", "local", "qwen2.5:14b"),
        attempt("0", "small", SMALL, zone="local"),
        attempt("0.5", "cloud"),
        attempt("0.25", "lite"),
        attempt("1", "backup", BACKUP),
    )

    async def fill() -> None:
        async with opened(home) as ledger:
            for call in calls:
                await ledger.settle(outcome(call.engine, call, at=NOW, baseline_usd=Decimal(1)))
            await ledger.settle(outcome("hit", at=NOW, baseline_usd=Decimal(1)))

    asyncio.run(fill())
    home.joinpath("claw.toml").write_text(
        f"""
[engines.small]
kind = "ollama"
model = "{SMALL}"
[engines.backup]
kind = "openai"
zone = "cloud"
model = "{BACKUP}"
base_url = "https://openrouter.ai/api/v1"
[[budgets]]
scope = "engine:backup"
window = "total"
limit_usd = "3"
"""
    )
    return home


def rows_by(key: str, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[int, str]]:
    capsys.readouterr()
    assert main(["report", "--json", "--by", key]) == 0
    found = json.loads(capsys.readouterr().out)["rows"]
    return {row["key"]: (row["requests"], row["cost_usd"]) for row in found}


def test_reports_know_any_engine_and_both_zones(five_engines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rows_by("zone", capsys) == {"cloud": (3, "1.75"), "local": (3, "0")}
    assert rows_by("engine", capsys) == {
        "backup": (1, "1"),
        "cloud": (1, "0.5"),
        "lite": (1, "0.25"),
        "cache": (1, "0"),
        "local": (1, "0"),
        "small": (1, "0"),
    }
    for wanted in ("table", "csv", "markdown", "html", "focus"):
        assert main(["report", "--format", wanted, "--by", "engine"]) == 0
        assert BACKUP in (said := capsys.readouterr().out) or "backup" in said


def test_focus_has_the_provider_of_each_engine(five_engines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--format", "focus"]) == 0
    records = csv.DictReader(io.StringIO(capsys.readouterr().out))
    found = {json.loads(record["Tags"])["engine"]: record["ServiceName"] for record in records}
    assert found == {
        "local": "Local engine",
        "small": "Local engine",
        "cloud": "Gemini API",
        "lite": "lite API",  # it is not in the settings any more
        "backup": "OpenRouter API",
        "cache": "Cache",
    }


def test_budget_of_an_engine_by_its_name(five_engines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budget", "--json"]) == 0
    (state,) = json.loads(capsys.readouterr().out)["budgets"]
    assert (state["scope"], state["spent_usd"], state["left_usd"]) == ("engine:backup", "1", "2")
