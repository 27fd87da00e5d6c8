"""The card of the first run: what this is, what a rehearsal is, and the three first keys. Any key leaves it, and
does what it always does.
"""

from textual.events import Click, Key

from console.overlays.overlay import Overlay
from console.present.spans import BLANK, Row, paragraph, row, span
from console.state import ViewState

WHAT = (
    "claw answers your agents' requests from the cheapest place that answers them well: its cache, a model on this "
    "machine, or the cloud. This screen shows where each request went and why, what it cost, and what is wrong."
)
REHEARSAL = (
    "This is a rehearsal: the engines are simulated and the agents are, too. It has a ledger of its own. Nothing here "
    "costs money or reaches a provider, so try every key."
)
AGENTS = "Your agents call {address}. Each of their requests appears in the Routing pane."
KEYS = (
    ("enter", "why a request went where it went"),
    ("S", "stop all cloud spend; again to resume"),
    ("?", "every key, and what each symbol means"),
)

ONLY_CLOSE = ("enter", "escape", "space")
"""Keys that close a card everywhere: whoever presses them wants no more than that."""


def may_welcome(state: ViewState) -> bool:
    """Whether there is time to read: a core is there, and nothing is wrong."""
    wrong = any(alert.severity == "critical" for alert in state.alerts) or state.traffic.failed
    return state.live and not wrong and not state.past


class WelcomeOverlay(Overlay[None]):
    def __init__(self, state: ViewState) -> None:
        super().__init__("Welcome", lambda cells: welcome_rows(state, cells))

    def on_key(self, event: Key) -> None:
        self.consume(event)
        self.dismiss(None)
        if event.key not in ONLY_CLOSE:
            again = Key(event.key, event.character)
            again.time = event.time  # one key to the guard against pasted text, not two in a burst
            self.app.post_message(again)

    def on_click(self, _event: Click) -> None:
        self.dismiss(None)


def welcome_rows(state: ViewState, cells: int) -> list[Row]:
    rows = [*paragraph(WHAT, cells), BLANK]
    if state.rehearsal:
        rows += [*paragraph(REHEARSAL, cells, "warn"), BLANK]
    if state.gateway:
        rows += [*paragraph(AGENTS.format(address=state.gateway), cells), BLANK]
    rows += [row(span(f"{key:<7}", "title"), span(what)) for key, what in KEYS]
    return [*rows, BLANK, row(span("Any key closes this card for good, and does what it always does.", "dim"))]
