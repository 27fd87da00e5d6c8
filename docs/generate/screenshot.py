"""The picture in the README: the real console in rehearsal, after it has lived for a while.

    python -m docs.generate.screenshot [--seconds 60] [--pace 0.5] [--out docs/console.svg]

Runs headless in a home of its own: real clients, the twins, the small model where it is installed, the agents' traffic.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

SIZE = (160, 46)
QUESTION = "Which of our backups failed last night"
QUIET_S = 1.5  # the chat takes an enter that follows typing too closely for part of a paste
ANSWER_S = 15.0
SEED = 7


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pace", type=float, default=0.5, help="of the agents' usual traffic")
    parser.add_argument("--out", type=Path, default=Path("docs/console.svg"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["CLAW_HOME"] = home
        svg = asyncio.run(picture(args.seconds, args.pace))
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(svg, encoding="utf-8")
    print(f"{args.out}: {len(svg) / 1e3:.0f} KB")
    return 0


async def picture(seconds: float, pace: float) -> str:
    from backends.background import background
    from backends.bootstrap.connect import Opened, open_core
    from backends.rehearsal.traffic import play
    from backends.settings.loading import load
    from backends.settings.model import Settings
    from console.app import ClawApp
    from console.chat_history import ChatHistory
    from console.panes.chat_pane import ChatPane

    settings: Settings = load(Path(os.environ["CLAW_HOME"]) / "claw.toml").settings

    @asynccontextmanager
    async def with_traffic() -> AsyncGenerator[Opened]:
        async with (
            open_core(settings, rehearse=True, embed=True) as opened,
            background(play(opened.core, seed=SEED, pace=pace)),
        ):
            yield opened

    app = ClawApp(
        with_traffic,
        theme=settings.console.theme,
        chat=lambda: ChatPane(ChatHistory(None)),
    )
    async with app.run_test(size=SIZE) as pilot:
        await asyncio.sleep(seconds)
        await pilot.press("6")
        await pilot.press(*("space" if letter == " " else letter for letter in QUESTION))
        await asyncio.sleep(QUIET_S)
        await pilot.press("enter")
        await asyncio.sleep(ANSWER_S)
        svg = app.export_screenshot(title="claw")
        await app.bridge.close()
        app.exit()
    return svg


if __name__ == "__main__":
    sys.exit(main())
