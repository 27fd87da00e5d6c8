"""The command `claw`: the console, or the subcommand that was asked for. Imports nothing that only the other needs."""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from backends import __version__
from backends.commands import COMMANDS, Parser
from backends.commands import main as run_command
from backends.errors import ClawError, WrongUse
from backends.text.terminal_safe import harmless
from console import terminal_loss

if TYPE_CHECKING:
    from backends.bootstrap.connect import Opened
    from backends.settings.model import Settings
    from console.app import ClawApp
    from console.panes.chat import ChatPane

SAY_AFTER_S = 0.3
SIZE = ("COLUMNS", "LINES")  # exported, they outrank the terminal's own size and do not follow it
DUMB = ("dumb", "unknown")  # rich takes such a terminal for 80×25, and Textual then resizes without end


def main(argv: Sequence[str] | None = None) -> int:
    """Run `argv` and return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in COMMANDS:
        return run_command(words)
    try:
        return _console(_parser().parse_args(words))
    except ClawError as error:
        print(f"claw: {harmless(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _parser() -> Parser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog="claw",
        description="The console. It attaches to the running core; with none running it embeds one.",
        epilog=f"commands (`claw COMMAND --help` tells more):\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"claw {__version__}")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--embed", action="store_true", help="run a core in this process, whatever else runs")
    where.add_argument("--attach", metavar="SOCKET_OR_URL", help="use the running core there")
    parser.add_argument("--rehearse", action="store_true", help="rehearse: simulated engines, a ledger of its own")
    parser.add_argument("--theme", metavar="T", help="a theme of themes/")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    return parser


def _console(options: argparse.Namespace) -> int:
    from backends.paths import Paths
    from backends.settings import model as settings_file
    from console import theming

    settings = settings_file.load(Paths.find().config).settings
    theme = options.theme or settings.console.theme
    if theme not in theming.names():
        raise WrongUse(f"there is no theme {theme!r}: use one of {', '.join(theming.names())}")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUse("the console needs a terminal: use `claw ask`, `claw report` or `claw serve` without one")
    if os.environ.get("TERM", "").lower() in DUMB:
        raise WrongUse(
            f"TERM={os.environ['TERM']} says that this terminal can move no cursor: set TERM to what it is,"
            " as xterm-256color, or use `claw ask`"
        )
    for name in SIZE:
        os.environ.pop(name, None)
    gc.disable()  # the App enables it after its first frame: collecting while everything is made costs a tenth of that
    return _show(options, settings, theme)


def _show(options: argparse.Namespace, settings: "Settings", theme: str) -> int:
    from backends.paths import Paths
    from console.app import ClawApp

    path = Paths.find().console_state

    def chat() -> "ChatPane":
        from console.chat_history import ChatHistory
        from console.panes.chat import ChatPane

        # prompts are bodies: they go to disk only where the operator stores those
        history = ChatHistory(path if settings.ledger.bodies else None)
        return ChatPane(history, max_prompt_bytes=settings.router.max_prompt_bytes)

    door = Door(options, settings)
    app = ClawApp(
        door.open,
        reopen=door.reopen,
        theme=theme,
        chat=chat,
    )
    asyncio.run(_live(app, mouse=settings.console.mouse and not options.no_mouse))
    if app.parting_line:
        print(f"claw: {app.parting_line}", file=sys.stderr)
    return app.return_code or 0


async def _live(app: "ClawApp", *, mouse: bool) -> None:
    loop = asyncio.get_running_loop()

    def lost() -> None:
        with suppress(RuntimeError):  # the loop is closed: the console was leaving anyway
            loop.call_soon_threadsafe(app.hang_up)

    terminal_loss.watch(sys.stdin.fileno(), lost)
    try:
        await app.run_async(mouse=mouse)
    finally:
        # The terminal is the shell's again; an embedded core lets land what is in the air, which may take seconds.
        closing = asyncio.create_task(app.bridge.close())
        if not (await asyncio.wait([closing], timeout=SAY_AFTER_S))[0]:
            print("claw: letting calls in flight end", file=sys.stderr)
        await closing


class Door:
    """The way to the core that the options ask for. Runs after the first frame, so that nothing heavy comes before."""

    def __init__(self, options: argparse.Namespace, settings: "Settings") -> None:
        self._options = options
        self._settings = settings
        self._where: str = options.attach or ""

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Opened"]:
        """The running core, else one of our own."""
        from backends.bootstrap import connect as opening

        if self._where:
            async with opening.attach(self._where) as opened:
                yield opened
            return
        rehearse = self._options.rehearse or await opening.nothing_to_run(self._settings)
        embed = self._options.embed
        async with opening.open_core(
            self._settings, rehearse=rehearse, embed=embed, listen=not embed, traffic=True
        ) as opened:
            self._where = opened.where
            yield opened

    @asynccontextmanager
    async def reopen(self) -> AsyncGenerator["Opened"]:
        """The core that was attached to, once it is back; never one of our own, which would hold its ledger."""
        from backends.bootstrap import connect as opening

        async with opening.attach(self._where) as opened:
            yield opened


if __name__ == "__main__":
    sys.exit(main())
