"""The keys that work everywhere, and the guard that tells a person's key from pasted text."""

from collections.abc import Callable

from textual.binding import Binding, BindingType

PASTE_GUARD_S = 0.3
FED_S = 0.02  # keys closer than this came from no hand

PANES = range(1, 7)

BINDINGS: list[BindingType] = [
    *(Binding(f"{number}", f"show({number})", show=False) for number in PANES),
    *(Binding(f"f{number}", f"show({number})", show=False, priority=True) for number in PANES),
    Binding("S", "stop_cloud", "stop or resume cloud spend", show=False),
    Binding("question_mark", "help", "help", show=False),
    Binding("t", "next_theme", "next theme", show=False),
    Binding("ctrl+q", "quit", "leave", show=False, priority=True),
]


def everywhere(*, stopped: bool, typing: bool) -> tuple[tuple[str, str], ...]:
    """What the footer says after the focused pane's own keys. While a prompt is typed, letters are its text."""
    if typing:
        return ("F1…F5", "panes"), ("^p", "more")
    return ("S", "resume cloud" if stopped else "stop cloud"), ("?", "help"), ("^p", "more")


SHEET: tuple[tuple[str, str], ...] = (
    ("1 … 6", "show or focus a pane; F1 … F6 do so from the chat's prompt too"),
    ("tab", "next pane"),
    ("↑ ↓ PgUp PgDn", "scroll, or move the cursor; home goes back to the newest"),
    ("space", "hold the pane still for reading, and go on"),
    ("S", "stop all cloud spend; again to resume"),
    ("t", "next theme"),
    ("?", "this help"),
    ("ctrl+p", "every command by name"),
    ("ctrl+q", "leave"),
)


class Guard:
    """Whether the last key was typed by a person: not pasted, and not one of a row fed faster than hands can."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._fed = float("-inf")
        self._last_key = float("-inf")

    def pasted(self) -> None:
        self._fed = self._monotonic()

    def key(self) -> None:
        now = self._monotonic()
        if now - self._last_key < FED_S:
            self._fed = now
        self._last_key = now

    def allows(self) -> bool:
        return self._monotonic() - self._fed > PASTE_GUARD_S
