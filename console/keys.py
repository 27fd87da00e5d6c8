"""The keys that work everywhere, and the guard that tells typed keys from pasted text."""

from collections.abc import Callable, Sequence

from textual.binding import Binding, BindingType

Keys = Sequence[tuple[str, str]]
"""Keys, each with what it does."""

PASTE_GUARD_S = 0.3
PASTED_S = 0.02  # keys closer together than this were not typed

PANES = range(1, 7)

BINDINGS: list[BindingType] = [
    *(Binding(f"{number}", f"show({number})", show=False) for number in PANES),
    *(Binding(f"f{number}", f"show({number})", show=False, priority=True) for number in PANES),
    Binding("S", "stop_cloud", "stop or resume cloud spend", show=False),
    Binding("question_mark", "help", "help", show=False),
    Binding("t", "next_theme", "next theme", show=False),
    Binding("ctrl+q", "quit", "quit", show=False, priority=True),
]


def everywhere(*, stopped: bool, typing: bool) -> tuple[tuple[str, str], ...]:
    """The keys in the footer after the focused pane's own. While a prompt is typed, letters are its text."""
    if typing:
        return ("F1…F5", "panes"), ("^p", "more")
    return ("S", "resume cloud" if stopped else "stop cloud"), ("?", "help"), ("^p", "more")


class PasteGuard:
    """Tells whether a person typed the last key: not pasted, and not faster than hands can type."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._pasted_at = float("-inf")
        self._last_key = float("-inf")

    def pasted(self) -> None:
        self._pasted_at = self._monotonic()

    def key(self) -> None:
        now = self._monotonic()
        if now - self._last_key < PASTED_S:
            self._pasted_at = now
        self._last_key = now

    def allows(self) -> bool:
        return self._monotonic() - self._pasted_at > PASTE_GUARD_S
