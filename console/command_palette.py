"""The command palette: every action by name."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from backends.text.terminal_safe import safe
from backends.types import CACHE, Action, EngineName, Exchange
from console.messages import RunAction
from console.overlays.why import WhyOverlay
from console.palette_actions import named_actions
from console.present.decision_rows import went
from console.state import ViewState
from console.time_travel import TIME_OF_DAY
from console.user_themes import Themes


class PaletteRouting(Protocol):
    def show_sessions(self) -> None: ...


class PaletteSpend(Protocol):
    def action_review(self) -> None: ...


class PaletteChat(Protocol):
    def run_command(self, command: str) -> None: ...


class PaletteMain(Protocol):
    @property
    def routing(self) -> PaletteRouting: ...
    @property
    def spend(self) -> PaletteSpend: ...
    @property
    def chat(self) -> PaletteChat | None: ...


class PaletteHost(Protocol):
    """What the palette needs of the App."""

    @property
    def main(self) -> PaletteMain: ...

    state: ViewState
    theme: str
    themes: Themes

    def run_action(self, action: str) -> Awaitable[bool]: ...
    def post_message(self, message: RunAction) -> bool: ...
    def push_screen(self, screen: WhyOverlay) -> object: ...


CHAT_COMMANDS = (
    ("compare", "Compare a prompt", "two or more candidates side by side; alt+c in the chat"),
    ("settings", "Settings of the next prompt", "model, thinking, temperature and more; alt+s in the chat"),
    ("search", "Search earlier prompts", "ctrl+r in the chat"),
    ("prompts", "Saved prompts", "use, save or delete one; alt+p in the chat"),
    ("editor", "Write the prompt in $EDITOR", "ctrl+x in the chat"),
    ("attach", "Attach a file", "text, an image, a PDF or a recording; alt+a in the chat"),
    ("turns", "Fork, change or copy a turn", "alt+t in the chat"),
    ("copy", "Copy the last answer", "ctrl+o in the chat"),
    ("export", "Export the conversation", "to Markdown or JSON; alt+x in the chat"),
    ("new", "New conversation", "ctrl+n in the chat"),
)


PLACEHOLDER = "Search for commands, or type a time such as 12:22…"


class Palette(CommandPalette):
    """Every action by name, found by typing."""

    def __init__(self) -> None:
        super().__init__([ClawCommands], placeholder=PLACEHOLDER, id="--command-palette")

    def _action_command_list(self, action: str) -> None:
        # Textual turns the page of a list that is not shown yet, and that raises KeyError.
        if self.query_one(CommandList).size.height > 0:
            super()._action_command_list(action)


class PaletteCommand(NamedTuple):
    name: str
    help: str
    run: Callable[[], Any]


class ClawCommands(Provider):
    """Actions that work everywhere, those on alerts, engines and agents, and the themes."""

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(Content(command.name), command.run, command.name, command.help)

    async def search(self, query: str) -> Hits:
        app = cast(PaletteHost, self.app)
        if (at := TIME_OF_DAY.search(query)) is not None:
            going = partial(app.run_action, f"go_to_time('{at[0]}')")
            yield Hit(1.0, Content(f"Go to {at[0]}"), going, f"Go to {at[0]}", "every pane shows that moment")
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(command.name)) > 0:
                yield Hit(score, matcher.highlight(command.name), command.run, command.name, command.help)

    def _commands(self) -> Iterator[PaletteCommand]:
        app = cast(PaletteHost, self.app)
        stopped = app.state.cloud_stopped
        stop = (
            ("Resume cloud", "send requests to the cloud again")
            if stopped
            else ("Stop cloud", "send no more requests there")
        )
        yield PaletteCommand(*stop, partial(app.run_action, "stop_cloud"))
        yield PaletteCommand("Undo the last action", "whoever did it; key u", partial(app.run_action, "undo"))
        yield from _ratings(app)
        yield PaletteCommand("Savings", "what would save most; key v in the spend pane", app.main.spend.action_review)
        yield PaletteCommand("Change a budget", "set its limit; key B", partial(app.run_action, "budget"))
        yield PaletteCommand("Set a setting for an hour", "it falls back by itself", partial(app.run_action, "set"))
        yield PaletteCommand("Flush cache", "delete every stored answer", partial(app.run_action, "flush"))
        for number, title in enumerate(("runtime", "routing", "cache", "spend", "alerts", "chat", "timeline"), 1):
            yield PaletteCommand(f"Show {title}", f"key {number}", partial(app.run_action, f"show({number})"))
        for command, name, help in CHAT_COMMANDS:
            yield PaletteCommand(name, help, partial(_run_in_chat, app, command))
        yield PaletteCommand("Show sessions", "key s in the routing pane", partial(_show_sessions, app))
        yield PaletteCommand(
            "Go to the last incident", "key t: every pane shows that moment", partial(app.run_action, "to_incident")
        )
        yield PaletteCommand("Go to a time of day", "key g: as it was at 12:22", partial(app.run_action, "go_to_time"))
        if app.state.past:
            yield PaletteCommand("Live", "key end: back to the present", partial(app.run_action, "to_present"))
        yield PaletteCommand("Zoom", "the whole screen for this pane, and back; key z", partial(app.run_action, "zoom"))
        yield PaletteCommand("Help", "every key, symbol and figure; key ?", partial(app.run_action, "help"))
        for theme in app.themes.names:
            yield PaletteCommand(
                f"Theme {theme}", "for this session; key T takes the next", partial(setattr, app, "theme", theme)
            )
        yield PaletteCommand("Quit", "ctrl+q", partial(app.run_action, "quit"))
        yield from _whys(app)
        yield from _pins(app)
        for named in named_actions(app.state):
            yield PaletteCommand(named.name, named.help, partial(app.post_message, RunAction(named.action)))
        if app.state.rehearsal:
            yield from _incidents(app)


async def _show_sessions(app: PaletteHost) -> None:
    await app.run_action("show(2)")
    app.main.routing.show_sessions()


async def _run_in_chat(app: PaletteHost, command: str) -> None:
    await app.run_action("show(6)")
    if app.main.chat is not None:
        app.main.chat.run_command(command)


def _ratings(app: PaletteHost) -> Iterator[PaletteCommand]:
    """Ratings of the last answer, also with the engine that would have been better."""
    last = next((each.outcome for each in reversed(app.state.exchanges) if each.outcome is not None), None)
    if last is None:
        return
    ratings: list[tuple[str, bool, EngineName | None]] = [("good", True, None), ("bad", False, None)]
    if last.engine != CACHE:
        others = [engine.name for engine in app.state.engines if engine.name != last.engine]
        ratings += [(f"bad, {safe(better)} is better", False, better) for better in others]
    for name, good, engine in ratings:
        rate = RunAction(Action(verb="rate", actor="console", id=last.id, good=good, engine=engine))
        yield PaletteCommand(
            f"Rate the last answer {name}", "`claw route train` learns from it", partial(app.post_message, rate)
        )


REHEARSED = {
    "C1": "cloud 429",
    "C2": "cloud's quota of the day used up",
    "C3": "cloud overloaded",
    "C4": "cloud silent",
    "C10": "cloud's key refused",
    "C11": "cloud's model retired",
    "L1": "local full",
    "L2": "local slow, calls wait unseen",
    "L5b": "local model cannot be loaded",
    "L7": "local model spilled to the CPU",
    "L8": "local model never stops",
    "reset": "end all incidents",
}
"""Incidents of a rehearsal by the names that operators search for; `claw rehearse list` has all."""


def _incidents(app: PaletteHost) -> Iterator[PaletteCommand]:
    for incident, name in REHEARSED.items():
        act = RunAction(Action(verb="rehearse", actor="console", id=incident))
        yield PaletteCommand(f"Rehearse: {name}", f"`claw rehearse {incident}`", partial(app.post_message, act))


def _whys(app: PaletteHost) -> Iterator[PaletteCommand]:
    """Of each agent the last request to each place, newest first."""
    newest: dict[tuple[str, str], Exchange] = {}
    for exchange in reversed(app.state.exchanges):
        newest.setdefault((exchange.explanation.agent, went(exchange)), exchange)
    for (agent, how), exchange in newest.items():
        when = exchange.at.astimezone().strftime("%H:%M:%S")
        yield PaletteCommand(
            f"Why {safe(agent)} {safe(how)}",
            f"its request of {when}; enter in the routing pane explains any",
            partial(app.push_screen, WhyOverlay(exchange)),
        )


def _pins(app: PaletteHost) -> Iterator[PaletteCommand]:
    for agent in app.state.agents:
        shown = safe(agent.name)
        for engine in app.state.engines:
            if agent.pinned != engine.name:
                pin = RunAction(Action(verb="pin", actor="console", agent=agent.name, engine=engine.name))
                name = f"Pin {shown} to {safe(engine.name)}"
                yield PaletteCommand(name, "from the next request on", partial(app.post_message, pin))
        if agent.pinned:
            unpin = RunAction(Action(verb="unpin", actor="console", agent=agent.name))
            yield PaletteCommand(f"Unpin {shown}", "its policy decides again", partial(app.post_message, unpin))
