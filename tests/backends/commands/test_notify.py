"""`claw notify`: who is told, what waits for them, and a test that really reaches them."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.ledger.notification_rows import Notification, PushMessage
from backends.types import Alert
from console import entry
from tests.backends.ledger.samples import opened
from tests.backends.monitoring.phone import phone

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
ALERT = Alert(key="k", id="a1", since=AT, severity="critical", text="x")


def target(name: str, url: str) -> str:
    return f'[[notify]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}/SECRET"\nquiet = "22:00-07:00"\n'


def write(home: Path, settings: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "claw.toml").write_text(settings)


async def test_a_test_reaches_the_receiver(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with phone() as it:
        await asyncio.to_thread(write, home, target("phone", it.url))
        assert await asyncio.to_thread(entry.main, ["notify", "test", "phone"]) == 0
        assert capsys.readouterr().out == "phone has taken the test\n"
        it.says = [404]
        assert await asyncio.to_thread(entry.main, ["notify", "test", "phone"]) == 1
        line = capsys.readouterr().err
    assert it.lines == ["this is a test: alerts of claw reach you here"]
    assert "phone has not taken the test: it answers with 404" in line
    assert "SECRET" not in line


def test_the_list_shows_what_waits(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def fill() -> None:
        async with opened(home) as ledger:
            told = PushMessage(event="raised", id="a1", key="k", severity="critical", text="x", since=AT)
            rows = [Notification(id=name, target=name, created_at=AT, message=told) for name in ("phone", "team")]
            await ledger.record_incidents([ALERT], rows)
            await ledger.settle_notifications(["phone"], [])

    asyncio.run(fill())
    write(home, target("phone", "http://x") + target("team", "http://x"))
    assert entry.main(["notify", "--json"]) == 0
    shown = capsys.readouterr().out
    phone_state, team = json.loads(shown)["receivers"]
    assert (phone_state["waiting"], phone_state["delivered_at"] is None) == (0, False)
    assert (team["waiting"], team["delivered_at"]) == (1, None)
    assert "SECRET" not in shown
    assert entry.main(["notify"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["receiver", "phone", "team"]


def test_without_receivers_it_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["notify"]) == 0
    assert capsys.readouterr().out.startswith("Nobody is told of alerts")
    assert entry.main(["notify", "test", "phone"]) == 2
    assert "has no [[notify]]" in capsys.readouterr().err
