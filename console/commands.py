"""The command palette: every action by name."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from backends.types import Action, EngineName
from console.messages import Act
from console.present.safe import safe
from console.state import ViewState
from console.theming import names


class Spending(Protocol):
    def action_review(self) -> None: ...
    def action_budget(self) -> None: ...


class Main(Protocol):
    @property
    def spend(self) -> Spending: ...


class Commanded(Protocol):
    """What the palette needs of the App."""

    @property
    def main(self) -> Main: ...

    state: ViewState
    theme: str

    def run_action(self, action: str) -> Awaitable[bool]: ...
    def post_message(self, message: Act) -> bool: ...


class Palette(CommandPalette):
    """Every action by name, found by typing."""

    def __init__(self) -> None:
        super().__init__([ClawCommands], id="--command-palette")

    def _action_command_list(self, action: str) -> None:
        # Textual turns the page of a list that is not shown yet, and that raises KeyError.
        if self.query_one(CommandList).size.height > 0:
            super()._action_command_list(action)


class Command(NamedTuple):
    name: str
    help: str
    run: Callable[[], Any]


class ClawCommands(Provider):
    """Actions that work everywhere, a pin for each agent, and the themes."""

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(Content(command.name), command.run, command.name, command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(command.name)) > 0:
                yield Hit(score, matcher.highlight(command.name), command.run, command.name, command.help)

    def _commands(self) -> Iterator[Command]:
        app = cast(Commanded, self.app)
        stopped = app.state.cloud_stopped
        stop = ("Resume cloud", "send to the cloud again") if stopped else ("Stop cloud", "nothing more is sent there")
        yield Command(*stop, partial(app.run_action, "stop_cloud"))
        yield from _ratings(app)
        yield Command("Savings", "what would save most; v on the spend pane", app.main.spend.action_review)
        yield Command("Change a budget", "at once; b on the spend pane", app.main.spend.action_budget)
        yield Command("Flush cache", "delete every stored answer", partial(app.run_action, "flush"))
        for number, title in enumerate(("runtime", "routing", "cache", "spend", "alerts", "chat"), 1):
            yield Command(f"Show {title}", f"key {number}", partial(app.run_action, f"show({number})"))
        yield Command("Help", "every key", partial(app.run_action, "help"))
        for theme in names():
            yield Command(f"Theme {theme}", "for this session", partial(setattr, app, "theme", theme))
        yield Command("Leave", "ctrl+q", partial(app.run_action, "quit"))
        yield from _pins(app)


def _ratings(app: Commanded) -> Iterator[Command]:
    """A word on the last answer, for those who do not know the keys, and what would have been better."""
    last = next((each.outcome for each in reversed(app.state.exchanges) if each.outcome is not None), None)
    if last is None:
        return
    words: list[tuple[str, bool, EngineName | None]] = [("good", True, None), ("bad", False, None)]
    if last.engine != "cache":
        better: EngineName = "cloud" if last.engine == "local" else "local"
        words.append((f"bad, {better} is better", False, better))
    for name, good, engine in words:
        rate = Act(Action(verb="rate", actor="console", id=last.id, good=good, engine=engine))
        yield Command(
            f"Rate the last answer {name}", "`claw route train` learns from it", partial(app.post_message, rate)
        )


def _pins(app: Commanded) -> Iterator[Command]:
    engines: tuple[EngineName, ...] = ("local", "cloud")
    for agent in app.state.agents:
        shown = safe(agent.name)
        for engine in engines:
            if agent.pinned != engine:
                pin = Act(Action(verb="pin", actor="console", agent=agent.name, engine=engine))
                yield Command(f"Pin {shown} to {engine}", "from the next request on", partial(app.post_message, pin))
        if agent.pinned:
            unpin = Act(Action(verb="unpin", actor="console", agent=agent.name))
            yield Command(f"Unpin {shown}", "its policy decides again", partial(app.post_message, unpin))
