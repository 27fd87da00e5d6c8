"""The pictures in docs/incidents.md: an incident from its start to its end, in the real console in rehearsal.

    python -m docs.generate.incident_run [--calm 90] [--out docs/incident]

Runs headless in a home of its own: real clients, the twins, the agents' traffic. The cloud is overloaded, an alert
stands, the operator stops the cloud's spend, the cloud is well again, the operator lets it go on.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from backends.types import Action

SIZE = (120, 40)
INCIDENT = "C3"
SEED, PACE = 7, 0.5
LONGEST_S = 60.0
AFTER_S = 20.0
SEEN_S = 2.0
"""What is seen so long after an alert was raised is what the operator sees at first."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calm", type=float, default=90.0, help="seconds before the incident")
    parser.add_argument("--out", type=Path, default=Path("docs/incident"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["CLAW_HOME"] = home
        frames = asyncio.run(run(args.calm))
    args.out.mkdir(parents=True, exist_ok=True)
    for place, (name, svg) in enumerate(frames.items(), start=1):
        path = args.out / f"{place}-{name}.svg"
        path.write_text(svg, encoding="utf-8")
        print(f"{path}: {len(svg) / 1e3:.0f} KB")
    return 0


async def run(calm_s: float) -> dict[str, str]:
    """The frames by name, in their order."""
    from backends.background import background
    from backends.bootstrap.connect import Opened, open_core
    from backends.rehearsal.traffic import play
    from backends.settings.loading import load
    from console.app import ClawApp
    from console.chat_history import ChatHistory
    from console.panes.chat_pane import ChatPane

    settings = load(Path(os.environ["CLAW_HOME"]) / "claw.toml").settings

    @asynccontextmanager
    async def with_traffic() -> AsyncGenerator[Opened]:
        async with (
            open_core(settings, rehearse=True, embed=True) as opened,
            background(play(opened.core, seed=SEED, pace=PACE)),
        ):
            yield opened

    app = ClawApp(with_traffic, theme=settings.console.theme, chat=lambda: ChatPane(ChatHistory(None)))
    frames: dict[str, str] = {}

    async def frame(name: str) -> None:
        await asyncio.sleep(SEEN_S)
        frames[name] = app.export_screenshot(title="claw")

    def act(**fields: str) -> None:
        app.bridge.act(Action(actor="console", **fields))  # type: ignore[arg-type]

    def cloud_alert() -> bool:
        return any(alert.key == "engine:cloud" for alert in app.bridge.state.alerts)

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("5")  # the alerts' pane
        await asyncio.sleep(calm_s)
        await until(lambda: not app.bridge.state.alerts)  # on a busy machine the small model may have been late
        await frame("calm")
        act(verb="rehearse", id=INCIDENT)
        await until(cloud_alert)
        await frame("alert")
        act(verb="stop-cloud")
        await until(lambda: app.bridge.state.cloud_stopped)
        await frame("stopped")
        act(verb="rehearse", id="reset")
        await until(lambda: not cloud_alert())
        act(verb="resume-cloud")
        await until(lambda: not app.bridge.state.cloud_stopped)
        await asyncio.sleep(AFTER_S)
        await frame("over")
        await app.bridge.close()
        app.exit()
    return frames


async def until(condition: Callable[[], bool]) -> None:
    """Raises TimeoutError where it does not come about."""
    async with asyncio.timeout(LONGEST_S):
        while not condition():  # noqa: ASYNC110 — the state has no event that tells of one value
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
