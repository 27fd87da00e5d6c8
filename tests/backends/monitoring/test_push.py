"""Push: a real ledger, a real HTTP server that fails and stalls, and a core that ends in between."""

import json
import sqlite3
import stat
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from backends.background import background
from backends.bus import Bus
from backends.clock import Clock, ManualClock, SystemClock
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import Condition
from backends.monitoring.incident_log import IncidentLog
from backends.monitoring.push import GIVEN_UP, MOST_WAITING, Push, PushTimes
from backends.monitoring.receivers import LINE, NotDelivered, Receiver
from backends.paths import Paths
from backends.settings.notify import Notify
from backends.text.terminal_safe import safe
from tests.backends.monitoring.phone import Phone, phone
from tests.waiting import until

DOWN = Condition(key="down:{engine}", when="It is down.", text="{engine} is down", remedy="start {engine}")
SLOW = Condition(key="slow:{engine}", when="It is slow.", text="{engine} is slow", severity="warning")
QUICK = PushTimes(retry_s=(0.01,), end_after_s=0.0, look_s=0.01, alert_after_s=0.05)
NIGHT = datetime(2026, 1, 15, 23, tzinfo=UTC)


def webhook(it: Phone, **changes: Any) -> Notify:
    plain = Notify(name="phone", kind="webhook", url=f"{it.url}/secret-path", severity="warning")
    return structs.replace(plain, **changes)


@asynccontextmanager
async def core(
    home: Path,
    *targets: Notify,
    clock: Clock | None = None,
    delivers: bool = True,
    environ: dict[str, str] | None = None,
    rehearsal: bool = False,
    times: PushTimes = QUICK,
) -> AsyncGenerator[Alerts]:
    """What of a core raises alerts, writes incidents and sends messages; without `delivers` it ends before it sends."""
    clock = clock or SystemClock()
    ledger = await Ledger.open(Paths.find(environ={"CLAW_HOME": str(home)}), [], clock=clock)
    try:
        alerts = Alerts(Bus(), clock)
        receivers = [Receiver(target, environ or {}, UTC) for target in targets]
        push = Push(receivers, ledger=ledger, alerts=alerts, clock=clock, rehearsal=rehearsal, times=times)
        incidents = IncidentLog(ledger, alerts, clock, push=push, every_s=0.02)
        await incidents.restore()
        async with background(incidents.run(), *([push.run()] if delivers else [])):
            yield alerts
            await incidents.flush()
    finally:
        await ledger.close()


def outbox(home: Path) -> list[dict[str, Any]]:
    ledger = Paths.find(environ={"CLAW_HOME": str(home)}).ledger
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM notifications ORDER BY created_at, rowid")]


# ---- what is told ---------------------------------------------------------------------------------------------------


async def test_one_message_tells_of_the_onset_one_of_the_severity_and_one_of_the_end(home: Path) -> None:
    async with phone() as it, core(home, webhook(it)) as alerts:
        since = datetime(2026, 1, 1, 12, tzinfo=UTC)
        alerts.show(SLOW, engine="cloud", since=since, detail="PROVIDER WORDS")
        await until(lambda: len(it.received) == 1)
        alerts.show(SLOW, engine="cloud", effect="3 went local")
        alerts.show(SLOW, engine="cloud", severity="critical", effect="4 went local")
        await until(lambda: len(it.received) == 2)
        alerts.clear(SLOW, engine="cloud")
        await until(lambda: len(it.received) == 3)
        await until(lambda: all(row["delivered_at"] for row in outbox(home)))
    raised, changed, ended = (each.body for each in it.received)
    assert [each["event"] for each in (raised, changed, ended)] == ["raised", "changed", "ended"]
    assert raised["line"] == "warning: cloud is slow, since 12:00:00"
    assert changed["line"] == "now critical: cloud is slow, since 12:00:00, 4 went local"
    assert ended["line"].startswith("ended: cloud is slow, lasted ")
    assert (raised["key"], raised["severity"], raised["since"]) == ("slow:cloud", "warning", "2026-01-01T12:00:00Z")
    assert raised["id"] == changed["id"] == ended["id"]
    assert "PROVIDER" not in str(it.received)
    assert it.received[0].path == "/secret-path"


async def test_a_receiver_is_told_of_its_severity_and_its_events_alone(home: Path) -> None:
    async with phone() as it, core(home, webhook(it, severity="critical", events=("raised",))) as alerts:
        alerts.show(SLOW, engine="cloud")
        alerts.show(DOWN, engine="local")
        await until(lambda: it.received)
        alerts.clear(DOWN, engine="local")
        alerts.clear(SLOW, engine="cloud")
        alerts.show(DOWN, engine="other")
        await until(lambda: len(it.received) == 2)
    assert [each.body["key"] for each in it.received] == ["down:local", "down:other"]


async def test_a_silenced_alert_is_told_when_it_becomes_critical_and_when_it_ends(home: Path) -> None:
    async with phone() as it, core(home, webhook(it)) as alerts:
        alerts.show(SLOW, engine="cloud")
        await until(lambda: it.received)
        alerts.silence("slow:cloud", 5, "ann")
        alerts.show(SLOW, engine="cloud", severity="critical")
        await until(lambda: len(it.received) == 2)
        alerts.silence("slow:cloud", 5, "ann")
        alerts.clear(SLOW, engine="cloud")
        await until(lambda: len(it.received) == 3)
    assert [each.body["event"] for each in it.received] == ["raised", "changed", "ended"]


async def test_nothing_is_sent_in_rehearsal_unless_it_is_wanted_and_then_it_says_so(home: Path) -> None:
    async with phone() as it:
        told, other = webhook(it, rehearsal=True), webhook(it, name="other")
        async with core(home, told, other, rehearsal=True) as alerts:
            alerts.show(DOWN, engine="cloud")
            await until(lambda: it.received)
            await until(lambda: all(row["delivered_at"] for row in outbox(home)))
        assert [row["target"] for row in outbox(home)] == ["phone"]
    assert it.lines[0].startswith("rehearsal: critical: cloud is down")


async def test_an_alert_that_comes_back_soon_is_not_told_anew(home: Path) -> None:
    clock = ManualClock()
    late = structs.replace(QUICK, end_after_s=30.0)
    async with phone() as it, core(home, webhook(it), clock=clock, times=late) as alerts:
        alerts.show(SLOW, engine="cloud")
        await until(lambda: outbox(home) and outbox(home)[0]["delivered_at"])
        for _ in range(3):
            alerts.clear(SLOW, engine="cloud")
            await until(lambda: json.loads(outbox(home)[-1]["message"])["event"] == "ended")
            clock.advance(10)
            alerts.show(SLOW, engine="cloud")
            await until(lambda: json.loads(outbox(home)[-1]["message"])["event"] == "raised")
        alerts.show(SLOW, engine="cloud", severity="critical")
        await until(lambda: len(outbox(home)) == 2 and outbox(home)[1]["delivered_at"])
        alerts.clear(SLOW, engine="cloud")
        await until(lambda: json.loads(outbox(home)[-1]["message"])["event"] == "ended")
        clock.advance(30)
        await until(lambda: len(it.received) == 3)
    assert [each.body["event"] for each in it.received] == ["raised", "changed", "ended"]


# ---- faults ---------------------------------------------------------------------------------------------------------


async def test_a_message_is_in_the_ledger_with_its_incident_before_anything_is_sent(home: Path) -> None:
    async with phone() as it:
        async with core(home, webhook(it), delivers=False) as alerts:
            alerts.show(DOWN, engine="cloud")
            await until(lambda: outbox(home))
        assert it.asked == 0
        async with core(home, webhook(it)) as alerts:
            await until(lambda: it.received)
            alerts.show(DOWN, engine="cloud")  # the same incident goes on and is not told again
            alerts.clear(DOWN, engine="cloud")
            await until(lambda: len(it.received) == 2)
            await until(lambda: all(row["delivered_at"] for row in outbox(home)))
        async with core(home, webhook(it)):
            pass
    assert [each.body["event"] for each in it.received] == ["raised", "ended"]


async def test_it_is_sent_again_until_it_is_accepted(home: Path) -> None:
    async with phone() as it, core(home, webhook(it)) as alerts:
        it.says = [500, 503, 429, 404]
        alerts.show(DOWN, engine="cloud")
        await until(lambda: it.received)
        await until(lambda: outbox(home)[0]["delivered_at"])
    assert it.asked == 5


async def test_retry_after_is_obeyed(home: Path) -> None:
    receiver = Receiver(Notify(name="phone", kind="webhook", url="http://127.0.0.1:9"), {}, UTC)
    async with phone() as it:
        receiver = Receiver(webhook(it), {}, UTC)
        it.says, it.headers = [429], "Retry-After: 7\r\n"
        with pytest.raises(NotDelivered) as refused:
            await receiver.send([message()])
    assert refused.value.retry_after_s == 7.0
    assert str(refused.value) == "it answers with 429"


async def test_one_that_stalls_holds_nobody_up_and_becomes_an_alert_for_the_others(home: Path) -> None:
    async with phone() as stuck, phone() as well:
        stuck.answers.clear()
        async with core(home, webhook(stuck, timeout_s=0.03), webhook(well, name="other")) as alerts:
            alerts.show(DOWN, engine="cloud")
            await until(lambda: len(well.received) == 2)
            (failing,) = [alert for alert in alerts.current() if alert.key == "notify:phone"]
            assert failing.text == "phone is not told of alerts: no answer within 0.03 s"
            stuck.answers.set()
            await until(lambda: not [alert for alert in alerts.current() if alert.key == "notify:phone"])
            await until(lambda: len(well.received) == 3)
    assert [each.body["key"] for each in well.received] == ["down:cloud", "notify:phone", "notify:phone"]
    assert {each.body["key"] for each in stuck.received} == {"down:cloud"}


async def test_after_an_outage_an_alert_that_has_ended_is_one_message(home: Path) -> None:
    async with phone() as it, core(home, webhook(it)) as alerts:
        it.says = [500] * 1000
        alerts.show(DOWN, engine="cloud")
        await until(lambda: it.asked)
        alerts.clear(DOWN, engine="cloud")
        await until(lambda: outbox(home) and json.loads(outbox(home)[0]["message"])["event"] == "ended")
        asked = it.asked
        await until(lambda: it.asked >= asked + 2)  # what was on its way when it ended has failed
        it.says = []
        await until(lambda: it.received)
        await until(lambda: outbox(home)[-1]["delivered_at"])
    assert [each.body["event"] for each in it.received] == ["ended"]
    assert len(outbox(home)) == 1


async def test_a_flood_is_summed_up_and_bounded(home: Path) -> None:
    async with phone() as it, core(home, webhook(it)) as alerts:
        it.answers.clear()
        for number in range(MOST_WAITING + 40):
            alerts.show(SLOW if number else DOWN, engine=f"engine-{number}")
        await until(lambda: len(outbox(home)) == MOST_WAITING)
        it.answers.set()
        await until(lambda: sum(row["delivered_at"] is not None for row in outbox(home)) >= MOST_WAITING)
    several = it.received[-1].body
    assert len(it.received) <= 3
    assert several["event"] == "several"
    assert several["line"].startswith(f"{several['count']} alerts, 0 of them ended; first: ")
    assert len(several["messages"]) <= 20


async def test_what_could_not_be_told_for_a_day_is_dropped(home: Path) -> None:
    clock = ManualClock()
    async with phone() as it, core(home, webhook(it), clock=clock) as alerts:
        it.says = [500] * 10_000
        alerts.show(DOWN, engine="cloud")
        await until(lambda: it.asked)
        clock.advance(GIVEN_UP.total_seconds())
        await until(lambda: not [row for row in outbox(home) if json.loads(row["message"])["key"] == "down:cloud"])


async def test_a_missing_variable_is_an_alert_at_the_first_message(home: Path) -> None:
    target = Notify(name="phone", kind="slack", url_env="NO_SUCH_HOOK")
    async with core(home, target) as alerts:
        alerts.show(DOWN, engine="cloud")
        await until(lambda: any(alert.key == "notify:phone" for alert in alerts.current()))
    (text,) = [alert.text for alert in alerts.current() if alert.key == "notify:phone"]
    assert text == "phone is not told of alerts: NO_SUCH_HOOK not set in the core's environment"


# ---- quiet hours ----------------------------------------------------------------------------------------------------


async def test_in_quiet_hours_warnings_wait_and_critical_alerts_pass(home: Path) -> None:
    clock = ManualClock(NIGHT)
    async with phone() as it, core(home, webhook(it, quiet="22:00-07:00"), clock=clock) as alerts:
        alerts.show(SLOW, engine="short")
        alerts.show(SLOW, engine="long")
        alerts.show(DOWN, engine="cloud")
        await until(lambda: it.received)
        alerts.clear(SLOW, engine="short")  # ended in the night: nobody needs to know in the morning
        await until(lambda: len(outbox(home)) == 2)
        clock.advance(8 * 3600)
        await until(lambda: len(it.received) == 2)
    assert [each.body["key"] for each in it.received] == ["down:cloud", "slow:long"]


times_of_day = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(begin=times_of_day, end=times_of_day, at=times_of_day)
def test_quiet_hours_are_a_stretch_of_the_day(begin: Any, end: Any, at: Any) -> None:
    target = Notify(name="n", kind="command", argv=("x",), quiet=f"{begin:%H:%M}-{end:%H:%M}")
    now = datetime.combine(datetime(2026, 3, 29, tzinfo=UTC), at, UTC)
    within = timedelta(hours=at.hour - begin.hour, minutes=at.minute - begin.minute) % timedelta(days=1)
    length = timedelta(hours=end.hour - begin.hour, minutes=end.minute - begin.minute) % timedelta(days=1)
    assert target.is_quiet("warning", now, UTC) == (within < length)
    assert not target.is_quiet("critical", now, UTC)
    assert structs.replace(target, quiet_critical=True).is_quiet("critical", now, UTC) == (within < length)


# ---- receivers ------------------------------------------------------------------------------------------------------


def message(**changes: Any) -> Any:
    from backends.ledger.notification_rows import PushMessage

    plain = PushMessage(
        event="raised",
        id="a1",
        key="down:cloud",
        severity="critical",
        text="cloud <is> & was down",
        remedy="start it",
        since=datetime(2026, 1, 1, 12, tzinfo=UTC),
    )
    return structs.replace(plain, **changes)


async def test_ntfy_gets_json_at_its_root_with_the_topic_and_the_token() -> None:
    async with phone() as it:
        target = Notify(name="n", kind="ntfy", url=f"{it.url}/sub/my-topic", token_env="TOKEN")
        receiver = Receiver(target, {"TOKEN": "tk_secret"}, UTC)
        await receiver.send([message()])
        await receiver.send([message(event="ended", ended_at=datetime(2026, 1, 1, 13, tzinfo=UTC))])
    first, second = it.received
    assert (first.path, first.headers["authorization"]) == ("/sub/", "Bearer tk_secret")
    assert first.body["topic"] == "my-topic"
    assert first.body["message"] == "critical: cloud <is> & was down, since 12:00:00\nstart it"
    assert (first.body["priority"], first.body["tags"]) == (5, ["rotating_light"])
    assert (second.body["priority"], second.body["tags"]) == (2, ["white_check_mark"])
    assert second.body["message"] == "ended: cloud <is> & was down, lasted 60 min from 12:00:00"


async def test_slack_gets_its_text_escaped() -> None:
    async with phone() as it:
        receiver = Receiver(Notify(name="n", kind="slack", url_env="HOOK"), {"HOOK": f"{it.url}/services/T/B/x"}, UTC)
        await receiver.send([message(text="<!channel> & more")])
    (heard,) = it.received
    assert heard.path == "/services/T/B/x"
    assert heard.body == {"text": "critical: &lt;!channel&gt; &amp; more, since 12:00:00"}


async def test_a_redirect_is_no_delivery_and_no_address_is_in_an_error() -> None:
    async with phone() as it:
        receiver = Receiver(webhook(it), {}, UTC)
        it.says = [302]
        with pytest.raises(NotDelivered, match="it answers with 302"):
            await receiver.send([message()])
    with pytest.raises(NotDelivered) as gone:
        await receiver.send([message()])
    assert "secret-path" not in str(gone.value)
    assert str(it.port) not in str(gone.value)


async def test_a_command_gets_the_line_and_the_json_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "canary-key")
    heard, script = tmp_path / "heard", tmp_path / "tell"
    script.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"open({str(heard)!r}, 'w').write(json.dumps([sys.argv[1:], json.load(sys.stdin), dict(os.environ)]))\n"
    )
    script.chmod(stat.S_IRWXU)
    await Receiver(Notify(name="n", kind="command", argv=(str(script), "-x")), {}, UTC).send([message(text="$(x); y")])
    arguments, told, environment = json.loads(heard.read_text())
    assert arguments == ["-x", "critical: $(x); y, since 12:00:00"]
    assert (told["event"], told["line"], told["key"]) == ("raised", arguments[1], "down:cloud")
    assert "canary-key" not in str(environment)


async def test_a_command_that_fails_or_hangs_is_told_apart_and_killed_with_its_children(tmp_path: Path) -> None:
    def running(argv: tuple[str, ...], timeout_s: float = 20.0) -> Receiver:
        return Receiver(Notify(name="n", kind="command", argv=argv, timeout_s=timeout_s), {}, UTC)

    with pytest.raises(NotDelivered, match="ended with 3"):
        await running(("/bin/sh", "-c", "exit 3")).send([message()])
    with pytest.raises(NotDelivered, match="cannot be run"):
        await running((str(tmp_path / "nothing"),)).send([message()])
    mark = tmp_path / "child"
    with pytest.raises(NotDelivered, match="longer than"):
        await running(("/bin/sh", "-c", f"sleep 30 & echo $! > {mark}; wait"), 0.5).send([message()])
    child = int(mark.read_text())
    await until(lambda: not alive(child))


def alive(pid: int) -> bool:
    """A killed child that nobody waits for is a zombie until init takes it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@given(st.text(max_size=400), st.text(max_size=400))
def test_a_line_is_short_harmless_and_one(text: str, effect: str) -> None:
    receiver = Receiver(Notify(name="n", kind="command", argv=("x",)), {}, UTC)
    for line in (receiver.line([message(text=text, effect=effect)]), receiver.line([message(text=text)] * 7)):
        assert len(line) <= LINE
        assert line == safe(line)
