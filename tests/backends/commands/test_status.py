"""`claw status`: right and fast, whatever state the core is in."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends import status_line
from backends.core import wire
from backends.core.remote import RemoteCore
from backends.core.status import engine_status, severity
from backends.gateway.control_socket import listen_on
from backends.paths import Paths
from backends.text.terminal_safe import safe
from backends.types import Alert, BudgetState, EngineState, EngineStatus, Status, Traffic
from console import entry
from tests.backends.gateway.scripted_core import ScriptedCore, status
from tests.core import ask as ask_core
from tests.core import policy, prompt, stand


def outage() -> Alert:
    """It began two minutes and a half ago."""
    return Alert(
        key="no-engine",
        id="a1",
        since=datetime.now(UTC) - timedelta(seconds=150),
        severity="critical",
        text="no engine answers",
    )


def burning(worst: Alert) -> Status:
    return status(
        severity=worst.severity,
        worst=worst,
        alerts=3,
        silenced=1,
        traffic=Traffic(requests=80, failed=80),
        engines=(EngineStatus(name="local", zone="local", health="down"),),
        cloud_stopped=True,
        today_usd=Decimal("1.42"),
    )


async def shown(core: ScriptedCore, capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code and the output of `claw status` beside this core."""
    async with listen_on(core, Paths.find()):
        code = await asyncio.to_thread(entry.main, ["status", *words])
    return code, capfd.readouterr().out


async def test_a_core_that_is_well_is_a_line_and_0(capfd: pytest.CaptureFixture[str]) -> None:
    code, line = await shown(ScriptedCore(), capfd)
    assert code == 0
    assert line.startswith("ok · local up · $1.25 today · ")
    assert line.count("\n") == 1
    assert "\x1b" not in line


async def test_a_critical_alert_is_told_first_with_its_onset_and_the_code_is_2(
    capfd: pytest.CaptureFixture[str],
) -> None:
    core = ScriptedCore()
    worst = outage()
    core.status_now = burning(worst)
    code, line = await shown(core, capfd)
    onset = worst.since.strftime("%H:%M:%S")
    assert code == 2
    assert line.startswith(
        f"critical · no engine answers, since {onset} (2 min), 2 more alerts, 1 silenced · "
        "80 of 80 requests failed (100 %) in 90 s · local down · $1.42 today"
    )


async def test_an_onset_that_the_alert_tells_itself_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    core = ScriptedCore()
    onset = f"{outage().since.astimezone():%H:%M:%S}"
    core.status_now = burning(replace(outage(), text=f"no engine answers since {onset}"))
    assert (await shown(core, capfd))[1].startswith(f"critical · no engine answers since {onset} (2 min), 2 more")


async def test_an_engine_that_is_not_well_says_why_where_no_alert_does(capfd: pytest.CaptureFixture[str]) -> None:
    core = ScriptedCore()
    cut = EngineStatus(name="local", zone="local", health="degraded", detail="broke off")
    core.status_now = status(severity="warning", engines=(cut,))
    code, line = await shown(core, capfd)
    assert code == 1
    assert line.startswith("warning · local degraded (broke off) · ")


def test_nothing_is_ok_beside_an_engine_that_is_not_well() -> None:
    base = EngineState(name="cloud", zone="cloud", kind="gemini", model="m", label="m", health="up")
    silent = replace(outage(), key="engine:cloud:silent", severity="warning", state="silenced")
    other = replace(silent, key="engine:cloud-2:silent")
    assert engine_status(base, (silent,)).health == "degraded"
    assert engine_status(base, (other,)).health == "up"
    failing = engine_status(replace(base, health="degraded", detail="empty"), ())
    assert (severity(None, (failing,)), severity(None, (engine_status(base, ()),))) == ("warning", "ok")
    drained = replace(base, health="degraded", detail="empty", draining=True)
    assert severity(None, (engine_status(drained, ()),)) == "ok", "the standing alert tells of it"


async def test_the_days_budget_is_what_it_counts_itself(capfd: pytest.CaptureFixture[str]) -> None:
    core = ScriptedCore()
    budget = BudgetState(
        scope="all",
        window="day",
        limit_usd=Decimal(5),
        spent_usd=Decimal("0.06"),
        reserved_usd=Decimal(0),
        left_usd=Decimal("4.94"),
        on_exceeded="local",
        resets_at=None,
    )
    core.status_now = status(today_usd=Decimal("0.02"), budget=budget)
    assert " · $0.06 of $5.00 today · " in (await shown(core, capfd))[1]


async def test_a_warning_is_1(capfd: pytest.CaptureFixture[str]) -> None:
    core = ScriptedCore()
    core.status_now = burning(replace(outage(), severity="warning"))
    assert (await shown(core, capfd))[0] == 1


async def test_a_status_bar_gets_a_few_words(capfd: pytest.CaptureFixture[str]) -> None:
    core = ScriptedCore()
    core.status_now = burning(replace(outage(), text="#[fg=red]writer: 9 of 12 requests failed in the last"))
    _, line = await shown(core, capfd, "--short")
    assert line == "✗ [fg=red]writer: 9 of 12 reques… 2 min +2\n"
    core.status_now = status()
    assert (await shown(core, capfd, "--short"))[1] == "✓ $1.25\n"


async def test_json_is_the_whole_status(capfd: pytest.CaptureFixture[str]) -> None:
    core = ScriptedCore()
    core.status_now = told = burning(outage())
    code, line = await shown(core, capfd, "--json")
    assert code == 2
    assert msgspec.json.decode(line, type=Status) == told


async def test_over_the_facade_it_is_the_same(home: Path) -> None:
    core = ScriptedCore()
    core.status_now = told = burning(outage())
    async with listen_on(core, Paths.find()):
        assert await RemoteCore(Paths.find().socket).status() == told


async def test_a_core_tells_its_engines_its_money_and_its_worst_alert(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "cloud")) as it:
        calm = await it.core.status()
        await ask_core(it.core, prompt("draft a post about routers", agent="writer"))
        later = await it.core.status()
    assert (calm.severity, calm.worst, calm.today_usd) == ("ok", None, 0)
    assert [engine.name for engine in calm.engines] == ["local", "cloud"]
    assert later.today_usd > 0
    assert (calm.traffic.requests, later.traffic.requests, later.traffic.failed) == (0, 1, 0)
    assert later.budget is not None
    assert later.budget.spent_usd == later.today_usd


# ---- no answer ------------------------------------------------------------------------------------------------------


def test_without_a_core_it_says_so_and_the_code_is_3(capfd: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["status"]) == 3
    assert capfd.readouterr().out == "unreachable · no core runs: start one with `claw serve`\n"
    assert entry.main(["status", "--short"]) == 3
    assert capfd.readouterr().out == "– no core\n"
    assert entry.main(["status", "--json", "--rehearse"]) == 3
    assert json.loads(capfd.readouterr().out)["severity"] == "unreachable"


async def test_a_core_in_rehearsal_alone_is_pointed_at(capfd: pytest.CaptureFixture[str]) -> None:
    async with listen_on(ScriptedCore(), Paths.find(rehearsal=True)):
        assert await asyncio.to_thread(entry.main, ["status"]) == 3
        assert capfd.readouterr().out == "unreachable · no core runs: one in rehearsal does, so add --rehearse\n"
        assert await asyncio.to_thread(entry.main, ["status", "--rehearse"]) == 0


def test_a_socket_that_a_killed_core_left_is_no_core(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(made_folder() / "claw.sock"))
    assert entry.main(["status"]) == 3
    assert "left its socket" in capfd.readouterr().out


@pytest.mark.parametrize("accepts", [True, False])
def test_a_stuck_core_costs_the_time_limit_and_no_more(*, accepts: bool, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.bind(str(made_folder() / "claw.sock"))
        stuck.listen(1 if accepts else 0)
        others: list[socket.socket] = []
        while not accepts and len(others) < 8:  # fill what the kernel keeps for a listener
            others.append(socket.socket(socket.AF_UNIX))
            others[-1].setblocking(False)
            try:
                others[-1].connect(str(Paths.find().socket))
            except BlockingIOError:
                break
        assert status_line.show(as_json=False, rehearse=False, short=False, answer_s=0.05) == 3
        for other in others:
            other.close()
    assert "stuck" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "went away"),
        (b"\xff\x00 not json\n", "unknown here"),
        (b'{"result": {"at": 1}}\n', "unknown here"),
        (b'{"result": {"severity": "splendid"}}\n', "went away"),
        (b"[]\n", "unknown here"),
        (b'{"hello": {"protocol": 1, "version": "0.0.9", "pid": 1}}\n', "another version"),
        (b'{"error": {"message": "not \x1b]0;now"}}\n', "unknown here"),
        (b'{"error": {"message": "not \\u001b]0;now"}}\n', "not ␛]0;now"),
    ],
)
def test_what_is_no_answer_is_a_line_and_3(answer: bytes, says: str, capfd: pytest.CaptureFixture[str]) -> None:
    with answering(answer):
        assert entry.main(["status"]) == 3
    line = capfd.readouterr().out
    assert says in line
    assert line.count("\n") == 1


def test_nothing_is_sent_to_another_users_socket(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with answering(b"") as heard:
        monkeypatch.setattr(os, "geteuid", lambda: 4_242)
        assert entry.main(["status"]) == 3
    assert "another user" in capfd.readouterr().out
    assert heard == [b""]


def test_words_that_it_does_not_know_are_wrong_use(capfd: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["status", "--nonsense"]) == 2
    assert "claw status --help" in capfd.readouterr().err


def test_nobody_reads_the_line(home: Path) -> None:
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f"{sys.executable} -m console.entry status | true"],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 3
    assert done.stderr == b""


# ---- what makes it fast ---------------------------------------------------------------------------------------------


def test_it_imports_next_to_nothing() -> None:
    code = "import sys, console.entry; console.entry.main(['status']); print(sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    loaded = {name.partition(".")[0] for name in eval(ran.stdout.splitlines()[-1])}  # noqa: S307 — our own list
    assert not loaded & {"typing", "argparse", "asyncio", "msgspec", "pathlib", "datetime", "textual", "platformdirs"}
    assert {name for name in loaded if name in ("backends", "console")} == {"backends", "console"}


def test_it_speaks_the_protocol_of_the_others() -> None:
    assert status_line.PROTOCOL == wire.PROTOCOL
    assert wire.decode_call(b'{"verb":"status","protocol":%d}\n' % status_line.PROTOCOL) == wire.TakeStatus()


@pytest.mark.parametrize(
    "variables",
    [
        {"CLAW_HOME": "/srv/claw"},
        {"CLAW_HOME": "~/claw"},
        {"CLAW_HOME": "here"},
        {},
        {"XDG_STATE_HOME": "/var/state"},
        {"XDG_STATE_HOME": "relative"},
        {"XDG_STATE_HOME": " "},
    ],
)
@pytest.mark.parametrize("rehearsal", [False, True])
def test_it_finds_the_socket_where_everybody_does(
    variables: dict[str, str], *, rehearsal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLAW_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Path(status_line.socket_path(rehearsal=rehearsal)) == Paths.find(rehearsal=rehearsal).socket


texts = st.text(max_size=60)
moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
money = st.decimals(min_value=0, max_value=10**6, places=6)


@given(
    st.builds(
        Status,
        at=moments,
        version=st.just("1"),
        pid=st.just(1),
        started_at=moments,
        rehearsal=st.booleans(),
        severity=st.sampled_from(["ok", "warning", "critical"]),
        worst=st.none()
        | st.builds(
            Alert,
            key=texts,
            id=texts,
            since=moments,
            severity=st.sampled_from(["warning", "critical"]),
            text=texts,
            state=st.sampled_from(["new", "acknowledged"]),
        ),
        alerts=st.integers(0, 99),
        silenced=st.integers(0, 9),
        traffic=st.builds(Traffic, requests=st.integers(0, 999), failed=st.integers(0, 999)),
        engines=st.lists(
            st.builds(EngineStatus, name=texts, zone=st.just("local"), health=st.just("down"), stopped=st.booleans()),
            max_size=3,
        ).map(tuple),
        today_usd=money,
        budget=st.none()
        | st.builds(
            BudgetState,
            scope=texts,
            window=st.sampled_from(["hour", "day", "total"]),
            limit_usd=money,
            spent_usd=money,
            reserved_usd=money,
            left_usd=money,
            on_exceeded=st.just("local"),
            resets_at=st.none(),
        ),
    )
)
def test_any_status_is_one_harmless_line(found: Status) -> None:
    as_json: dict[str, Any] = json.loads(msgspec.json.encode(found))
    for line in (status_line.full_line(as_json), status_line.short_line(as_json)):
        assert line == safe(line)
        assert line.split()[0] in (found.severity, status_line.SYMBOLS[found.severity])
    assert len(status_line.short_line(as_json)) <= 70
    assert "#" not in status_line.short_line(as_json)


def made_folder() -> Path:
    folder = Paths.find().socket.parent
    folder.mkdir(parents=True)
    return folder


@contextmanager
def answering(answer: bytes) -> Iterator[list[bytes]]:
    """A socket in the core's place that reads a line, says `answer` and hangs up; yields what it has read."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(made_folder() / "claw.sock"))
        listener.listen(1)

        def serve() -> None:
            with listener.accept()[0] as caller, suppress(OSError):
                heard.append(caller.recv(4096))
                caller.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield heard
        thread.join(timeout=10)
