"""`claw incident`: read from a ledger's file, with nothing of prompts in it, also where there is nothing to read."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.finops.document import Document, TimeChart
from backends.finops.html_writer import as_html
from backends.finops.markdown_writer import as_markdown
from backends.finops.text_writer import CELLS, as_text
from backends.ledger.minutes import Minute
from backends.ledger.notification_rows import Notification, PushMessage
from backends.monitoring.incident_documents import incident_list, local_clock
from backends.text.terminal_safe import safe
from backends.types import Acted, Action, Alert
from console import entry
from tests.backends.ledger.samples import admission, attempt, opened, outcome

NOW = datetime.now(UTC).replace(microsecond=0)
ONSET = NOW - timedelta(minutes=30)
HOSTILE = "<b>local</b>|`x`\x1b[2J"
OUTAGE = Alert(
    key="engine:cloud",
    id="aaaa1111",
    since=ONSET,
    severity="critical",
    text="cloud: 503",
    effect="3 went local",
    state="cleared",
    ended_at=ONSET + timedelta(seconds=90),
    requests=3,
    agents=("writer", "ada"),
    cost_usd=Decimal("0.5"),
)
STANDING = Alert(
    key="queue", id="bbbb2222", since=NOW - timedelta(minutes=2), severity="warning", text=HOSTILE, state="acknowledged"
)
OLD = Alert(
    key="old",
    id="aaaa3333",
    since=NOW - timedelta(days=3),
    severity="warning",
    text="old",
    state="cleared",
    ended_at=NOW - timedelta(days=3, minutes=-1),
)


@pytest.fixture
def filled(home: Path) -> Path:
    async def fill() -> None:
        async with opened(home) as ledger:
            told = PushMessage(event="raised", id=OUTAGE.id, key=OUTAGE.key, severity="critical", text="x", since=ONSET)
            row = Notification(id="n1", target="phone", created_at=ONSET + timedelta(seconds=1), message=told)
            await ledger.record_incidents([OUTAGE, STANDING, OLD], [row])
            await ledger.settle_notifications(["n1"], [])
            for number, finish in enumerate(("error", "stop", "stop")):
                failing = attempt("0", error="busy: you said SECRET-PROMPT")
                tries = (failing,) if finish == "error" else (failing, attempt("0.25", engine="local", model="qwen"))
                ended: dict[str, Any] = {"finish": finish, "error": "you said SECRET-PROMPT", "error_kind": "busy"}
                at = ONSET + timedelta(seconds=20 * number)
                await ledger.admit(admission(f"r{number}", agent="writer", started_at=at))
                await ledger.settle(
                    outcome(f"r{number}", *tries, at=at, agent="writer", **ended), prompt="SECRET-PROMPT"
                )
            acted = Acted(
                at=ONSET + timedelta(seconds=40), action=Action(verb="stop-cloud", actor="cli:ann"), detail="stopped"
            )
            await ledger.audit(acted)
            await ledger.record_minutes((Minute(at=ONSET.replace(second=0), sampled={"waiting.local": 7.0}),))

    asyncio.run(fill())
    return home


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert entry.main(["incident", *words]) == 0
    return capsys.readouterr().out


def test_a_list_has_a_line_for_each_incident_the_last_first(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "list").splitlines()
    assert [line.split("  ")[0] for line in lines] == ["incident", safe(HOSTILE), "cloud: 503", "old"]
    assert "acknowledged" in lines[1]
    assert "90 s" in lines[2]
    assert len(printed(capsys, "list", "--since", "1h").splitlines()) == 3
    found = json.loads(printed(capsys, "list", "--json"))
    assert [each["id"] for each in found["incidents"]] == ["aaaa3333", "aaaa1111", "bbbb2222"]


@given(columns=st.integers(1, 200), texts=st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=5))
def test_a_list_fits_a_terminal(columns: int, texts: list[str]) -> None:
    alerts = [
        Alert(key=text, id="aaaa1111", since=ONSET, severity="critical", text=safe(text), state="acknowledged")
        for text in texts
    ]
    lines = as_text(incident_list(alerts, NOW, UTC, columns=columns)).splitlines()
    assert len(lines) == len(texts) + 1
    assert max(map(len, lines)) <= max(columns, 80)


def test_one_incident_is_shown_with_what_happened_around_it(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "show", "aaaa1")
    assert page.startswith("# Incident aaaa1111: cloud: 503\n")
    assert "What it did: 3 went local; 3 requests of writer, ada; it cost $0.5000." in page
    for part in ("| writer | local | 2 | 0 | $0.500000 |", "| cloud | busy | 3 |", "| stopped |", "phone of aaaa1111"):
        assert part in page
    assert "waiting at local: 0 to 7" in page
    assert "SECRET-PROMPT" not in page
    assert "bbbb2222" not in page


def test_a_report_is_markdown_html_text_or_json(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--format", "html"], ["--format", "text"], ["--json"]):
        page = printed(capsys, "report", "--since", "2h", *words)
        assert "SECRET-PROMPT" not in page
        assert "cloud: 503" in page
        assert "\x1b" not in page
    found = json.loads(page)
    assert [each["id"] for each in found["incidents"]] == ["aaaa1111", "bbbb2222"]
    assert sum(each["requests"] for each in found["decided"]) == 3
    assert found["failed_calls"] == [{"engine": "cloud", "kind": "busy", "calls": 3}]
    assert found["spend"]["total"]["cost_usd"] == "0.50"


def test_the_html_page_loads_nothing_and_draws_its_charts(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Page(HTMLParser):
        tags: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.tags.append(tag)

    page = Page()
    page.feed(printed(capsys, "report", "--since", "2h", "--format", "html"))
    assert page.tags.count("svg") == 5
    assert not {"script", "link", "img", "b"} & set(page.tags) - {"b"}


def test_times_are_the_operators_with_utc_beside_them(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (filled / "claw.toml").write_text('[money]\ntimezone = "Asia/Kolkata"\n')
    page = printed(capsys, "show", "aaaa1111")
    local = ONSET.astimezone(ZoneInfo("Asia/Kolkata"))
    assert (
        f"{local:%Y-%m-%d %H:%M:%S} +0530 ({ONSET:%H:%M:%S} UTC)" in page or f"({ONSET:%Y-%m-%d %H:%M:%S} UTC)" in page
    )
    assert local_clock(UTC)(ONSET) == f"{ONSET:%Y-%m-%d %H:%M:%S} UTC"


@pytest.mark.parametrize("words", [["list"], ["report"], ["report", "--format", "html"], ["list", "--rehearse"]])
def test_without_a_ledger_it_says_that_nothing_is_on_record(
    home: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    page = printed(capsys, *words)
    assert "No incidents are on record" in page or "No alert stood." in page
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "cccc"], "names no incident"),
        (["show", "aaaa"], "names several"),
        (["show", ""], "names"),
        (["report", "--since", "40d"], "31 days"),
        (["report", "--since", "0m"], "earlier time"),
        (["report", "--since", "tomorrow"], "not a time"),
        ([], "--help"),
    ],
)
def test_wrong_use_is_a_line_and_2(
    filled: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(["incident", *words]) == 2
    line = capsys.readouterr().err
    assert says in line
    assert line.count("\n") == 1


# ---- charts ---------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.none() | st.floats(0, 1e9), max_size=200),
    st.text(max_size=20),
    st.lists(st.tuples(st.floats(0, 1), st.text(max_size=12)), max_size=6).map(sorted),
)
def test_any_chart_is_drawn_within_its_width_in_each_format(
    values: list[float | None], title: str, ticks: list[tuple[float, str]]
) -> None:
    marks = tuple(bool(place % 3) for place in range(len(values)))
    chart = TimeChart(title=title, values=tuple(values), figure="9", ticks=tuple(ticks), marks=marks)
    document = Document("", (chart,))
    lines = as_text(document).splitlines()
    if any(value is not None for value in values):
        drawn = next(line for line in lines[1:] if line and set(line) <= set("▁▂▃▄▅▆▇█·"))
        assert len(drawn) <= CELLS
        assert drawn.count("·") == 0 or None in values
    assert as_markdown(document).startswith("```\n")
    assert as_html(document).count("<svg") == 1
