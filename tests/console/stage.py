"""The whole console on a scripted core, for tests that press keys."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from console import theming
from console.app import ClawApp
from console.overlays.overlay import Sheet
from tests.console.scripted_core import Opener, ScriptedCore
from tests.waiting import until

THEMES = [theming.theme(name) for name in theming.names()]  # read before any event loop runs


@asynccontextmanager
async def on_stage(
    core: ScriptedCore, *, size: tuple[int, int] = (80, 24), opener: Opener | None = None, **options: Any
) -> AsyncGenerator[tuple[ClawApp, Pilot[None]]]:
    """Run the console until its first state is drawn; close its bridge afterwards. `options` are ClawApp's."""
    app = ClawApp(opener or Opener(core), **options)
    try:
        async with app.run_test(size=size) as pilot:
            await until(lambda: (app.state.live and app.main.chat) or app.return_code)
            await pilot.pause()
            yield app, pilot
    finally:
        await app.bridge.close()


def text_of(app: App[Any]) -> str:
    """What is on screen, as text."""
    from rich.segment import Segment

    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip if isinstance(segment, Segment)) for strip in strips)


def words_of(app: ClawApp) -> str:
    """The text of the overlay on screen, without its frame and line breaks."""
    sheet = app.screen.query_one(Sheet)
    lines = (sheet.render_line(y).text for y in range(1, sheet.size.height - 1))
    return " ".join(" ".join(line.strip("┃█ ") for line in lines).split())
