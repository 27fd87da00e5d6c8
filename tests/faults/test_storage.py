"""A ledger that cannot be written, from the caller's answer to what commands, probes and metrics say of it."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.commands import main
from backends.errors import LedgerError, NoEngine
from backends.gateway.control_socket import listen_on
from backends.ledger.spill import SpillFile
from backends.ledger.sqlite_connection import open_read_only, wal_bytes
from backends.paths import Paths
from backends.settings.model import Settings
from backends.types import EngineName
from tests.backends.ledger.samples import attempt, outcome
from tests.core import Stand, ask, policy, prompt, served, stand

Mode = Literal["local-only", "serve", "refuse"]
SPILL_B = 1 << 20


@dataclass(frozen=True)
class Unwritable:
    """Settings in which ada is answered by `engine`, and what holds when no row can be written."""

    mode: Mode
    engine: EngineName = "cloud"

    def __call__(self, settings: Settings) -> Settings:
        ledger = replace(settings.ledger, on_unwritable=self.mode, spill_bytes=SPILL_B)
        return policy(replace(settings, ledger=ledger), "ada", "cloud" if self.engine == "cloud" else "local")


@contextmanager
def locked(it: Stand) -> Iterator[None]:
    """Another program holds the ledger's file."""
    with closing(sqlite3.connect(it.paths.ledger, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


@dataclass(frozen=True)
class Said:
    """What an operator's tools say of the ledger while a core runs."""

    doctor: dict[str, Any]
    doctor_status: int
    budgets: list[dict[str, Any]]
    ready: tuple[int, dict[str, Any]]
    metrics: dict[str, str]


async def tools(it: Stand, change: Unwritable, capsys: pytest.CaptureFixture[str]) -> Said:
    async with served(it, change) as address, listen_on(it.core, it.paths), httpx.AsyncClient(base_url=address) as http:
        capsys.readouterr()
        status = await asyncio.to_thread(main, ["doctor", "--json"])
        checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
        await asyncio.to_thread(main, ["budget", "--json"])
        budgets = json.loads(capsys.readouterr().out)["budgets"]
        ready = await http.get("/readyz")
        lines = (await http.get("/metrics")).text.splitlines()
    metrics = dict(line.rsplit(" ", 1) for line in lines if line.startswith("claw_ledger"))
    return Said(checks["ledger"], status, budgets, (ready.status_code, ready.json()), metrics)


async def test_d1_a_locked_file_is_heard_of_everywhere_and_the_local_engine_answers_in_time(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change = Unwritable("local-only", engine="local")
    async with stand(home, change=change) as it:
        well = await tools(it, change, capsys)
        with locked(it):
            for number in range(3):
                text, outcome = await ask(it.core, prompt(f"is node {number} up?", agent="ada", timeout_s=2.0))
                assert text
                assert (outcome.finish, outcome.engine) == ("stop", "local")
            assert "another program has locked it" in await it.alert("ledger")
            ill = await tools(it, change, capsys)
        await it.cleared("ledger")
        after = await tools(it, change, capsys)
    assert (well.doctor["ok"], well.ready[1]["ledger"], well.metrics["claw_ledger_writable"]) == (True, "ok", "1")
    assert (ill.doctor["ok"], ill.doctor_status) == (False, 1)
    assert "another program has locked it" in ill.doctor["detail"]
    assert (ill.ready[1]["ledger"], ill.metrics["claw_ledger_writable"]) == ("unwritable", "0")
    assert (after.doctor["ok"], after.ready[1]["ledger"], after.metrics["claw_ledger_writable"]) == (True, "ok", "1")


@pytest.mark.parametrize("mode", ["local-only", "refuse"])
async def test_d1_the_cloud_is_not_called_while_no_row_can_be_written(home: Path, mode: Mode) -> None:
    change = Unwritable(mode)
    async with stand(home, change=change) as it:
        with locked(it):
            for number in range(2):
                with pytest.raises((LedgerError, NoEngine)) as refused:
                    await ask(it.core, prompt(f"draft {number}", agent="ada", timeout_s=2.0))
                assert refused.value.http_status == 503
            assert not it.gemini.usage.calls
            await it.alert("ledger")


async def test_d1_what_is_kept_beside_a_locked_file_is_in_every_figure(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change = Unwritable("serve")
    async with stand(home, change=change) as it:
        with locked(it):
            await ask(it.core, prompt("draft a post", agent="ada"))
            await it.alert("ledger:spill")
            ill = await tools(it, change, capsys)
            billed = it.billed()
        await it.cleared("ledger:spill")
        well = await tools(it, change, capsys)
    assert billed > 0
    assert {Decimal(budget["spent_usd"]) for budget in ill.budgets} == {billed}
    assert {Decimal(budget["spent_usd"]) for budget in well.budgets} == {billed}
    assert ill.ready == (200, {"ready": True, "semantic": "off", "ledger": "spilling"})
    assert ill.metrics["claw_ledger_writable"] == "0"
    assert 0 < Decimal(ill.metrics["claw_ledger_spill_share"]) < 1
    assert (ill.doctor["ok"], "rows go to a spill" in ill.doctor["detail"]) == (False, True)
    assert "claw_ledger_spill_share" not in well.metrics
    assert well.doctor["ok"] is True


def keep(path: Path) -> None:
    """Two rows in the file beside the ledger."""
    kept = SpillFile.open(path, SPILL_B)
    kept.append([b"1", b"2"])
    kept.close()


async def test_d1_rows_that_wait_are_said_while_no_core_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with stand(home, change=Unwritable("serve")) as it:
        await ask(it.core, prompt("draft a post", agent="ada"))
        paths = it.paths
    await asyncio.to_thread(keep, paths.spill)
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["budget"]) == 0
    assert "2 rows that the ledger could not take wait in" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["doctor", "--json"]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert (checks["ledger"]["ok"], "2 rows wait" in checks["ledger"]["detail"]) == (False, True)


async def test_w1_the_doctor_says_that_the_clock_went_back_behind_the_last_row(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = ManualClock(datetime.now(UTC) + timedelta(days=1))
    async with stand(home, clock=ahead) as it:
        await ask(it.core, prompt("are all nodes up?", agent="infra"))
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["doctor", "--json"]) == 1
    clocks = [check for check in json.loads(capsys.readouterr().out)["checks"] if check["name"] == "clock"]
    assert any(check["ok"] is False and check["detail"].startswith("jumped: ") for check in clocks)


# ---- readers that do not let go -------------------------------------------------------------------------------------


async def filled(it: Stand, count: int) -> None:
    for number in range(count):
        await it.resources.ledger.settle(outcome(f"r{number}", attempt("0"), agent="infra"))


def cut_back(path: Path) -> int:
    """Have the write-ahead log cut to nothing, as a checkpoint does that no reader holds up; its size afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return wal_bytes(path)


async def test_d3_an_export_that_nobody_reads_on_does_not_hold_the_log(home: Path) -> None:
    async with stand(home) as it:
        it.compared = False  # the rows are of this test alone
        await filled(it, 1_200)
        command = [sys.executable, "-m", "console.entry", "ledger", "export"]
        export = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert export.stdout is not None
        first = await export.stdout.readline()
        await ask(it.core, prompt("are all nodes up?", agent="infra"))
        assert await asyncio.to_thread(cut_back, it.paths.ledger) == 0
        rest = await export.stdout.read()
        assert await export.wait() == 0
    assert len((first + rest).splitlines()) >= 1_200


def test_d3_a_statement_that_runs_for_too_long_ends(home: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    path = Paths.find().ledger
    with pytest.raises(LedgerError, match="a shorter span or a backup"), open_read_only(path, longest_s=0.05) as db:
        db.execute(endless).fetchone()


async def test_d6_backup_verify_and_reads_beside_a_busy_writer_leave_a_sound_file(home: Path, tmp_path: Path) -> None:
    async with stand(home) as it:
        it.compared = False  # the rows are of this test alone
        stop = threading.Event()

        def hammer(number: int) -> int:
            rounds = 0
            while not stop.is_set():
                assert main(["ledger", "backup", str(tmp_path / f"copy{number}-{rounds}.db")]) == 0
                assert main(["report", "--json"]) == 0
                with open_read_only(it.paths.ledger) as db:
                    assert db.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
                rounds += 1
            return rounds

        hammers = [asyncio.create_task(asyncio.to_thread(hammer, number)) for number in range(2)]
        await filled(it, 800)
        stop.set()
        rounds = await asyncio.gather(*hammers)
    assert min(rounds) > 0
    with closing(sqlite3.connect(it.paths.ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT count(*) FROM requests").fetchone() == (800,)
    copies = [tmp_path / f"copy{number}-{at}.db" for number, times in enumerate(rounds) for at in range(times)]
    for path in copies:
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# ---- a disk that is really full -------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """24 MB of memory as a disk, which only root may mount."""
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    done = subprocess.run(mount, check=False, capture_output=True)
    if done.returncode:
        pytest.skip("this machine mounts no memory disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S607 — found above


def fill(disk: Path) -> Path:
    """Use up every byte that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for block in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"x" * block):
                    pass
            except OSError:
                continue
    return filler


async def test_d1_serving_on_a_full_disk_survives_a_restart(small_disk: Path) -> None:
    home, change = small_disk / "claw", Unwritable("serve")
    ids = []
    async with stand(home, change=change) as it:
        it.compared = False  # rows wait beside the ledger
        ids.append((await ask(it.core, prompt("first", agent="ada")))[1].id)
        filler = fill(small_disk)
        for number in range(40):
            ids.append((await ask(it.core, prompt(f"draft {number}", agent="ada")))[1].id)
        assert "disk is full" in await it.alert("ledger:spill")
        billed = it.billed()
    async with stand(home, change=change) as it:
        it.compared = False
        assert (await it.budgets())[0].spent_usd == billed
        ids.append((await ask(it.core, prompt("after the restart", agent="ada")))[1].id)
        billed += it.billed()
        filler.unlink()
    async with stand(home, change=change) as it:
        rows = await asyncio.to_thread(it.rows)
    assert sorted(row["id"] for row in rows) == sorted(ids)
    assert sum(Decimal(row["cost_usd"]) for row in rows) == billed
