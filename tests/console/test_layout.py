"""How panes share the screen: by its size, by what stands, zoomed, and as it was left last time."""

import asyncio
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import events
from console.app import ClawApp
from console.layout import grid_rows, has_timeline, mode_of
from console.panes.cache_pane import CachePane
from console.remembered_view import RememberedView, View
from tests.console.scene import incident_alerts, sessions, snapshot
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot(sessions=sessions(), alerts=()))


def titles(app: ClawApp) -> list[str]:
    shown = text_of(app)
    return [
        title
        for title in ("1 Runtime", "2 Routing", "3 Cache", "4 Spend", "5 Alerts", "6 Chat")
        if f"─ {title} " in shown or f"━ {title} " in shown
    ]


@pytest.mark.parametrize(
    ("size", "zoomed", "mode"),
    [
        ((39, 24), False, "tiny"),
        ((39, 24), True, "tiny"),
        ((80, 24), False, "single"),
        ((120, 31), False, "single"),
        ((120, 40), False, "split"),
        ((139, 60), False, "split"),
        ((140, 36), False, "wide"),
        ((140, 36), True, "single"),
    ],
)
def test_a_size_has_a_layout(size: tuple[int, int], zoomed: bool, mode: str) -> None:
    assert mode_of(*size, zoomed=zoomed) == mode


@given(st.sampled_from(("wide", "split")), st.integers(32, 200), st.integers(0, 500), st.booleans())
def test_alerts_leave_most_of_the_screen_to_the_others(mode: str, rows: int, alerts: int, timeline: bool) -> None:
    first, *others = grid_rows("wide" if mode == "wide" else "split", rows, alerts, timeline=timeline).split()
    assert 3 <= int(first) <= 2 + rows // 5
    assert len(others) == (3 if mode == "wide" else 1) + timeline
    assert has_timeline("wide", 46)
    assert not has_timeline("single", 200)


async def test_monitoring_and_chat_are_on_one_screen(core: ScriptedCore) -> None:
    async with on_stage(core, size=(120, 40)) as (app, pilot):
        assert titles(app) == ["2 Routing", "5 Alerts", "6 Chat"]
        await pilot.press("1")
        await until(lambda: titles(app) == ["1 Runtime", "5 Alerts", "6 Chat"])
        await pilot.press("6")
        await until(lambda: app.main.chat and app.main.chat.has_focus_within)
        assert titles(app) == ["1 Runtime", "5 Alerts", "6 Chat"], "the chat has its own place"
        await pilot.press("f3")
        await until(lambda: titles(app) == ["3 Cache", "5 Alerts", "6 Chat"])


@pytest.mark.parametrize("size", [(120, 40), (200, 60)])
async def test_a_pane_is_zoomed_and_everything_comes_back(core: ScriptedCore, size: tuple[int, int]) -> None:
    async with on_stage(core, size=size) as (app, pilot):
        before = titles(app)
        await pilot.press("3", "z")
        await until(lambda: titles(app) == ["3 Cache"])
        await pilot.press("4")
        await until(lambda: titles(app) == ["4 Spend"])
        await pilot.press("z", "2")
        await until(lambda: titles(app) == before)
        await pilot.press("6", "f10")
        await until(lambda: titles(app) == ["6 Chat"])
        await pilot.press("f10")
        await until(lambda: titles(app) == before)


async def test_alerts_have_the_rows_they_need_and_give_them_back(core: ScriptedCore) -> None:
    async with on_stage(core, size=(120, 40)) as (app, pilot):

        def rows() -> int:
            lines = text_of(app).split("\n")
            return next(y for y, line in enumerate(lines) if "7 Timeline" in line and "─" in line) - 2

        assert rows() == 3
        for alert in incident_alerts():
            core.emit(events.AlertRaised(alert=alert))
        await until(lambda: rows() == 6)
        for alert in incident_alerts():
            core.emit(events.AlertCleared(key=alert.key, alert=None))
        await until(lambda: rows() == 3)
        await pilot.pause()


async def test_many_sizes_in_a_row_end_in_the_last_one(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        for columns in range(60, 200, 7):
            await pilot.resize_terminal(columns, 20 + columns // 5)
        await pilot.resize_terminal(120, 40)
        await until(lambda: titles(app) == ["2 Routing", "5 Alerts", "6 Chat"])


async def test_what_was_shown_is_shown_again(core: ScriptedCore, tmp_path: Path) -> None:
    path = tmp_path / "state" / "view.json"
    async with on_stage(core, size=(120, 40), remembered=RememberedView(path)) as (app, pilot):
        await until(lambda: app.screen is not app.main)  # the card of the first run
        await pilot.press("escape", "2", "s", "3", "z")
        await until(lambda: titles(app) == ["3 Cache"])
    await asyncio.to_thread(app.save_view)
    assert stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode) == 0o600
    again = RememberedView(path)
    await asyncio.to_thread(again.load)
    assert again.view == View(pane=3, beside=3, zoomed=True, sessions=True, welcomed=True)
    async with on_stage(core, size=(120, 40), remembered=again) as (app, pilot):
        await until(lambda: isinstance(app.focused, CachePane) and titles(app) == ["3 Cache"])
        await pilot.press("z", "2")
        await until(lambda: "OpenClaw" in text_of(app) or "openclaw" in text_of(app))


@pytest.mark.parametrize(
    "stored",
    [b"", b"[]", b'{"pane": "x"}', b"\xff" * 10_000, b'{"pane": 99, "beside": -1}'],
    ids=["empty", "list", "text", "long", "wild"],
)
async def test_a_file_that_is_no_view_is_none(core: ScriptedCore, tmp_path: Path, stored: bytes) -> None:
    path = tmp_path / "view.json"
    await asyncio.to_thread(path.write_bytes, stored)
    remembered = RememberedView(path)
    await asyncio.to_thread(remembered.load)
    async with on_stage(core, size=(120, 40), remembered=remembered) as (app, _):
        await until(lambda: titles(app) == ["2 Routing", "5 Alerts", "6 Chat"])


def test_a_view_that_cannot_be_written_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    remembered = RememberedView(tmp_path / "file" / "view.json")
    remembered.view = msgspec.structs.replace(remembered.view, pane=3)
    remembered.save()
    assert (tmp_path / "file").read_text() == "in the way"
