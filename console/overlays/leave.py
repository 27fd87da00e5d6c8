"""Quitting the console that holds the core while somebody needs it: leave it running, end it, or stay."""

from textual.binding import Binding

from backends.text.measures import count
from console.overlays.overlay import Overlay
from console.present.spans import BLANK, Row, paragraph, row, span
from console.state import ViewState

SERVE, END = "serve", "end"


class LeaveOverlay(Overlay[str]):
    """Dismissed with `SERVE` or `END`; None to stay."""

    BINDINGS = [
        Binding("l", f"choose('{SERVE}')", show=False),
        Binding("w", f"choose('{END}')", show=False),
        Binding("n", "leave", show=False),
    ]

    def __init__(self, state: ViewState) -> None:
        super().__init__("Quit", lambda cells: _rows(needed_by(state), cells))

    def action_choose(self, how: str) -> None:
        self.dismiss(how)


def needed_by(state: ViewState) -> str:
    """Who needs the core of this console, "" where nobody does or where it is another process. A rehearsal's calls are
    simulated: nothing is lost with them.
    """
    if state.connection.mode != "embedded":
        return ""
    calls, others = 0 if state.rehearsal else len(running(state)), state.clients
    told = [f"{count(calls)} call{' runs' if calls == 1 else 's run'} in it"] if calls else []
    told += [f"{count(others)} other console{' is' if others == 1 else 's are'} attached"] if others else []
    return " and ".join(told)


def running(state: ViewState) -> frozenset[str]:
    """The ids of requests that run. One that is decided is in flight a moment later."""
    decided = (each.id for each in state.exchanges if each.outcome is None)
    return frozenset((*decided, *(call.id for call in state.in_flight)))


def _rows(needed: str, cells: int) -> list[Row]:
    choices = (
        ("l", "leave it running: wait for these calls, then `claw serve` takes over in the background within seconds"),
        ("w", "wait for these calls, then end it; ctrl+q ends it at once"),
        ("n", "stay"),
    )
    return [
        *paragraph(f"The core runs in this console: {needed}. Quit?", cells, "strong"),
        BLANK,
        *(
            row(span(f"{key} " if at == 0 else "  ", "title"), *line)
            for key, text in choices
            for at, line in enumerate(paragraph(text, cells - 2))
        ),
    ]
