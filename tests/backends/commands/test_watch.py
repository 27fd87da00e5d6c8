"""`claw watch`: a line for what happens, once, without prompts, over restarts of the core."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends import events
from backends.commands.watch import PlainWriter, watch, write_json
from backends.commands.watch.watch_lines import WatchLine, WatchLines, plain
from backends.core.remote import RemoteCore
from backends.errors import Unreachable
from backends.gateway.control_socket import listen_on
from backends.paths import Paths
from backends.types import Acted, Action, Alert, Attempt, Exchange, Message, Outcome, Request, Snapshot
from tests.backends.gateway.scripted_core import ScriptedCore, explanation, outcome, snapshot
from tests.console.scripted_core import ScriptedCore as PlayedCore
from tests.waiting import until

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
OUTAGE = Alert(key="no-engine", id="a1", since=NOW, severity="critical", text="no engine answers", remedy="look at it")
ASK = Request(id="r1", agent="writer", messages=(Message(role="user", text="SECRET-PROMPT"),))


def told(lines: WatchLines, *happened: events.Event) -> list[tuple[str, str]]:
    return [(line.event, line.text) for each in happened for line in lines.happened(each, NOW)]


def looked(lines: WatchLines, seen: Snapshot) -> list[tuple[str, str]]:
    return [(line.event, line.text) for line in lines.seen(seen)]


def failed(error_kind: str = "timeout") -> Outcome:
    attempts = tuple(
        Attempt(engine=engine, zone="cloud", model="m", error=error)
        for engine, error in (("cloud", "rate-limited: you said SECRET-PROMPT"), ("local", "timeout"))
    )
    said = "you said SECRET-PROMPT"
    return outcome(ASK, finish="error", error=said, error_kind=error_kind, attempts=attempts)


def test_the_first_look_tells_what_stands() -> None:
    found = looked(WatchLines(), snapshot(alerts=(OUTAGE,)))
    assert ("engine", "local is up") in found
    assert ("alert-stands", "no engine answers, since 09:00:00, to do: look at it") in found


def test_an_alert_is_told_when_it_is_raised_when_it_changes_and_when_it_ends() -> None:
    lines = WatchLines()
    looked(lines, snapshot())
    counted = replace(OUTAGE, requests=9, effect="9 failed")
    worded = replace(OUTAGE, text="no engine answers since 5 s")
    ended = replace(OUTAGE, state="cleared", ended_at=NOW + timedelta(seconds=90), effect="12 failed")
    raised = [
        events.AlertRaised(alert=alert)
        for alert in (OUTAGE, counted, worded, replace(worded, text="no engine answers since 9 s"))
    ]
    assert [kind for kind, _ in told(lines, *raised)] == ["alert-raised", "alert-changed"]
    seen = replace(worded, state="acknowledged", by="cli:me")
    assert told(lines, events.AlertRaised(alert=seen))[0][1].startswith(
        "no engine answers since 5 s, since 09:00:00, acknowledged by cli:me"
    )
    (over,) = told(lines, events.AlertCleared(key=OUTAGE.key, alert=ended))
    assert over == ("alert-ended", "no engine answers, since 09:00:00, lasted 90 s, 12 failed")
    assert told(lines, events.AlertRaised(alert=replace(OUTAGE, id="a2")))[0][0] == "alert-raised"


def test_after_lost_events_it_tells_what_changed_meanwhile() -> None:
    lines = WatchLines()
    looked(lines, snapshot(alerts=(OUTAGE,)))
    other = replace(OUTAGE, key="ledger", id="b1", text="a row cannot be written")
    ended = replace(OUTAGE, state="cleared", ended_at=NOW + timedelta(seconds=3))
    found = looked(lines, snapshot(alerts=(other,), past_alerts=(ended,)))
    assert found == [
        ("alert-ended", "no engine answers, since 09:00:00, lasted 3.0 s"),
        ("alert-raised", "a row cannot be written, since 09:00:00, to do: look at it"),
    ]


def test_failures_and_refusals_are_told_without_the_providers_words() -> None:
    lines = WatchLines()
    refused = events.RequestRefused(at=NOW, id="r2", agent="ada", rule="budget", message="$5 are spent", status=402)
    found = told(
        lines,
        events.Settled(outcome=failed()),
        events.Settled(outcome=failed(error_kind="rejected")),
        refused,
        replace(refused, rule="no_engine", status=503),
        events.Settled(outcome=outcome(ASK)),
    )
    assert [kind for kind, _ in found] == ["failed", "refused", "refused", "failed"]
    assert found[0][1].startswith("writer: failed, cloud rate-limited, local timeout, after ")
    assert found[2][1] == "ada: refused before any engine was called (budget, 402): $5 are spent (request r2)"
    assert "SECRET-PROMPT" not in str(found)


def test_decisions_and_answers_are_told_on_request() -> None:
    lines, quiet = WatchLines(requests=True), WatchLines()
    asked = replace(explanation(agent="writer"), ask="SECRET-PROMPT")
    happened = (
        events.Decided(exchange=Exchange(id="r1", at=NOW, explanation=asked)),
        events.Settled(outcome=outcome(ASK)),
        events.Settled(outcome=outcome(ASK, finish="cancelled")),
    )
    found = told(lines, *happened)
    assert [kind for kind, _ in found] == ["decided", "answered", "cancelled"]
    assert told(quiet, *happened) == []
    assert "SECRET-PROMPT" not in str(found)


def test_actions_health_and_money_are_told_when_they_change() -> None:
    lines = WatchLines()
    now = snapshot()
    looked(lines, now)
    (local, _), spend = now.engines, now.spend
    assert spend is not None
    (budget,) = spend.budgets
    acted = Acted(at=NOW, action=Action(verb="stop-cloud", actor="cli:me"), detail="cloud spend stopped")
    dearer = replace(spend, today_usd=Decimal("5.2"), budgets=(replace(budget, spent_usd=Decimal("4.1")),))
    found = told(
        lines,
        events.ActionDone(acted=acted, cloud_stopped=True, agents=()),
        events.EngineSampled(engine=replace(local, in_flight=9)),
        events.EngineSampled(engine=replace(local, health="down", draining=True)),
        events.SpendSampled(spend=spend),
        events.SpendSampled(spend=dearer),
        events.SpendSampled(spend=dearer),
    )
    assert found == [
        ("action", "cli:me: cloud spend stopped"),
        ("engine", "local is down and draining, was up"),
        ("spend", "budget all (day): 80 % spent, $4.10 of $5"),
        ("spend", "today's spend has passed $5: $5.20"),
    ]


def test_lines_are_safe_for_a_terminal_and_each_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    wild = WatchLine(at=NOW, event="core", text="a\x1b[2J\nb\u202e\x9b")
    PlainWriter()(wild)
    write_json(wild)
    day, line, as_json = capsys.readouterr().out.splitlines()
    assert day == "Sunday, 01 March 2026, UTC+0000"
    assert line == "09:00:00 core: a␛[2J b��"
    assert json.loads(as_json)["text"] == wild.text
    assert as_json.isascii()
    assert as_json.isprintable()
    assert plain(replace(wild, event="alert-ended", severity="critical", text="x")) == "09:00:00 ended critical: x"


async def test_it_follows_a_core_over_its_restart() -> None:
    core, written = PlayedCore(snapshot(pid=7)), list[WatchLine]()
    task = asyncio.create_task(watch(core, written.append, retry_s=(0.0,)))
    await until(lambda: core.watchers and len(written) >= 3)
    core.emit(events.AlertRaised(alert=OUTAGE))
    await until(lambda: written[-1].event == "alert-raised")
    core.current = snapshot(pid=8, alerts=(OUTAGE,))
    core.vanish()
    await until(lambda: written[-1].text == "attached to claw 0.1.0, process 8")
    assert [line.event for line in written[-3:]] == ["alert-raised", "core", "core"]
    core.emit(events.Resync(), events.AlertCleared(key=OUTAGE.key))
    await until(lambda: written[-1].event == "alert-ended")
    task.cancel()
    await asyncio.wait([task])


async def test_it_waits_for_a_core_and_says_so_once(home: Path) -> None:
    written: list[WatchLine] = []
    task = asyncio.create_task(watch(RemoteCore(Paths.find().socket), written.append, retry_s=(0.001,)))
    await until(lambda: written)
    core = ScriptedCore()
    async with listen_on(core, Paths.find()):
        await until(core.watched.is_set)
        await until(lambda: any(line.event == "engine" for line in written))
        assert [line.event for line in written[:3]] == ["core", "core", "engine"]
        assert "no core listens" in written[0].text
    task.cancel()
    await asyncio.wait([task])


async def test_what_a_core_refuses_is_told(home: Path) -> None:
    class Other(PlayedCore):
        async def snapshot(self, at: datetime | None = None) -> Snapshot:
            raise Unreachable("the running core speaks control protocol 1")

    written: list[WatchLine] = []
    task = asyncio.create_task(watch(Other(snapshot()), written.append, retry_s=(0.0,)))
    await until(lambda: written)
    assert written[0].text == "the running core speaks control protocol 1; waiting for a core"
    task.cancel()
    await asyncio.wait([task])


# ---- as a process ---------------------------------------------------------------------------------------------------

CLAW = [sys.executable, "-m", "console.entry", "watch"]


def test_an_interrupt_ends_it_in_silence(home: Path) -> None:
    with subprocess.Popen(CLAW, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.readline()
        assert "no core listens" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=20) == 130
        assert watching.stderr.read() == ""


def test_it_ends_when_nobody_reads_it_also_while_nothing_happens(home: Path) -> None:
    with subprocess.Popen(CLAW, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.readline()
        watching.stdout.readline()
        watching.stdout.close()
        assert watching.wait(timeout=20) == 0
        assert watching.stderr.read() == ""
