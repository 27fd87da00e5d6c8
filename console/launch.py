"""The console from its command line: options, terminal, and the core that it opens once its first frame is there."""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from backends import __version__
from backends.commands import COMMANDS, Parser
from backends.errors import ClawError, WrongUse
from backends.text.terminal_safe import safe
from console import terminal

if TYPE_CHECKING:
    from backends.bootstrap.connect import Opened
    from backends.settings.model import Settings
    from console.app import ClawApp
    from console.panes.chat_pane import ChatPane
    from console.user_themes import Themes

NOTICE_AFTER_S = 0.3
SIZE = ("COLUMNS", "LINES")  # where exported, they replace the terminal's size and do not follow it
DUMB = ("dumb", "unknown")  # rich assumes 80×25 for such a terminal, and Textual then resizes without end


def launch(words: Sequence[str]) -> int:
    """Run the console with these options and return the exit code."""
    gc.disable()  # the App enables it after its first frame; collecting before that costs a tenth of the time to it
    try:
        return _console(_parser().parse_args(words))
    except ClawError as error:
        print(f"claw: {safe(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _parser() -> Parser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog="claw",
        description="The console. It attaches to the running core. Without one it runs a core in this process.",
        epilog=f"commands (see `claw COMMAND --help`):\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"claw {__version__}")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--embed", action="store_true", help="run a core in this process even where another one runs")
    where.add_argument("--attach", metavar="SOCKET_OR_URL", help="attach to the running core there")
    parser.add_argument("--rehearse", action="store_true", help="use simulated engines and a separate ledger")
    parser.add_argument("--theme", metavar="T", help="use this theme: one of claw's, or of themes/ beside claw.toml")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    return parser


def _console(options: argparse.Namespace) -> int:
    from backends.paths import Paths
    from backends.settings.loading import load

    settings = load(Paths.find().config).settings
    theme, themes = options.theme or settings.console.theme, _themes(Paths.find().themes)
    if theme not in themes.names:
        problem = themes.user.problems.get(theme, "") if themes.user else ""
        raise WrongUse(problem or f"there is no theme {theme!r}: use one of {', '.join(themes.names)}")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUse("the console needs a terminal: use `claw ask`, `claw report` or `claw serve` without one")
    if os.environ.get("TERM", "").lower() in DUMB:
        raise WrongUse(
            f"TERM={os.environ['TERM']} means that this terminal cannot move its cursor: set TERM to its type,"
            " such as xterm-256color, or use `claw ask`"
        )
    for name in SIZE:
        os.environ.pop(name, None)
    return _show(options, settings, theme, themes)


def _show(options: argparse.Namespace, settings: "Settings", theme: str, themes: "Themes") -> int:
    from backends.paths import Paths
    from console.app import ClawApp
    from console.remembered_view import RememberedView

    paths = Paths.find()
    remembered = RememberedView(paths.console_view)
    remembered.load()

    def chat() -> "ChatPane":
        from console.bench.saved_prompts import SavedPrompts
        from console.chat_history import ChatHistory
        from console.panes.chat_pane import ChatPane

        # prompts are bodies, which go to disk only where the operator stores them
        history = ChatHistory(paths.console_state if settings.ledger.bodies else None)
        saved = SavedPrompts(paths.saved_prompts)
        return ChatPane(history, saved=saved, copied=paths.copied, max_prompt_bytes=settings.router.max_prompt_bytes)

    opener = CoreOpener(options, settings)
    app = ClawApp(opener.open, reopen=opener.reopen, theme=theme, themes=themes, chat=chat, remembered=remembered)
    asyncio.run(_run(app, mouse=settings.console.mouse and not options.no_mouse))
    app.save_view()
    if app.serve_after:
        from console.background_core import serve_in_background

        print(f"claw: {serve_in_background(paths.serve_log, rehearse=app.state.rehearsal)}", file=sys.stderr)
    if app.exit_message:
        print(f"claw: {app.exit_message}", file=sys.stderr)
    return app.return_code or 0


def _themes(folder: Path) -> "Themes":
    """The themes for the colours that this terminal has, the user's own among them."""
    from rich.console import Console

    from console.theming import depth_of
    from console.user_themes import Themes, UserThemes

    depth = depth_of(Console(force_terminal=True).color_system)
    if not folder.is_dir():
        return Themes(depth)
    user = UserThemes(folder)
    user.read_changed()
    return Themes(depth, user)


async def _run(app: "ClawApp", *, mouse: bool) -> None:
    loop = asyncio.get_running_loop()

    def on_loss() -> None:
        with suppress(RuntimeError):  # the loop is closed: the console had ended already
            loop.call_soon_threadsafe(app.hang_up)

    terminal.watch_for_loss(sys.stdin.fileno(), on_loss)
    try:
        await app.run_async(mouse=mouse)
    finally:
        # The screen is restored; an embedded core finishes its calls in flight, which may take seconds.
        closing = asyncio.create_task(app.bridge.close())
        if not (await asyncio.wait([closing], timeout=NOTICE_AFTER_S))[0]:
            print("claw: waiting for calls in flight to end", file=sys.stderr)
        await closing


class CoreOpener:
    """Opens the core that the options name. Runs after the first frame, because its imports are heavy."""

    def __init__(self, options: argparse.Namespace, settings: "Settings") -> None:
        self._options = options
        self._settings = settings
        self._where: str = options.attach or ""

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Opened"]:
        """Attach to the running core, or run one in this process."""
        from backends.bootstrap import connect

        if self._where:
            async with connect.attach(self._where) as opened:
                yield opened
            return
        rehearse = self._options.rehearse or await connect.nothing_to_run(self._settings)
        embed = self._options.embed
        async with connect.open_core(
            self._settings, rehearse=rehearse, embed=embed, listen=not embed, traffic=True, purpose="console"
        ) as opened:
            self._where = opened.where
            yield opened

    @asynccontextmanager
    async def reopen(self) -> AsyncGenerator["Opened"]:
        """Attach again to the core that went away; never run one here, which would lock its ledger."""
        from backends.bootstrap import connect

        async with connect.attach(self._where) as opened:
            yield opened
