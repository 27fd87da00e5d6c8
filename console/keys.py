"""The keys that work everywhere, and the guard that tells typed keys from pasted text."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from textual.binding import Binding, BindingType

Keys = Sequence[tuple[str, str]]
"""Keys, each with what it does."""

PASTE_GUARD_S = 0.3
PASTED_S = 0.02  # keys closer together than this were not typed
ARRIVALS = 256  # keys whose time is remembered

PANES = range(1, 8)


class Guarded(Protocol):
    """An App that guards its keys."""

    guard: "PasteGuard"


BINDINGS: list[BindingType] = [
    *(Binding(f"{number}", f"show({number})", show=False) for number in PANES),
    *(Binding(f"f{number}", f"show({number})", show=False, priority=True) for number in PANES),
    Binding("S", "stop_cloud", "stop or resume cloud spend", show=False),
    Binding("u", "undo", "undo the last action", show=False),
    Binding("B", "budget", "change a budget", show=False),
    Binding("g", "go_to_time", "go to a time of day, in the past", show=False),
    Binding("z", "zoom", "give the pane the whole screen, and back", show=False),
    Binding("f10", "zoom", "the same while a prompt is typed", show=False, priority=True),
    Binding("question_mark", "help", "help", show=False),
    Binding("t", "to_incident", "to the last incident, in the past", show=False),
    Binding("left", "travel(-1)", "a minute back", show=False),
    Binding("right", "travel(1)", "a minute forth", show=False),
    Binding("shift+left", "travel(-10)", "ten minutes back", show=False),
    Binding("shift+right", "travel(10)", "ten minutes forth", show=False),
    Binding("end", "to_present", "live again", show=False, priority=True),
    Binding("escape", "to_present", "live again", show=False),
    Binding("T", "next_theme", "next theme", show=False),
    Binding("ctrl+z", "stop", "to the shell; fg comes back", show=False, priority=True),
    Binding("ctrl+q", "quit", "quit", show=False, priority=True),
]


def nothing_waits() -> bool:
    return False


BUDGET_KEY = ("B", "budget")
"""Has a place in the footer where the first keys of the pane have one."""
IN_THE_PAST = (("← →", "a minute"), ("t", "incident before"), ("end", "live"))


def everywhere(*, stopped: bool, typing: bool, past: bool = False) -> tuple[tuple[str, str], ...]:
    """The keys in the footer after the focused pane's own. While a prompt is typed, letters are its text."""
    if past and not typing:
        return IN_THE_PAST
    if typing:
        return (f"F1…F{PANES[-1]}", "panes"), ("^p", "more")
    return ("S", "resume cloud" if stopped else "stop cloud"), BUDGET_KEY, ("?", "help"), ("^p", "more")


class PasteGuard:
    """Tells whether a person typed the last keys: not pasted, and not faster than hands can type.

    What counts is when a key's bytes arrived, which a busy machine may handle much later, and so also the keys that
    have arrived and are not handled yet. `arrived` may be called by another thread. `waiting` tells whether the
    terminal has sent bytes that nobody has read.
    """

    def __init__(self, monotonic: Callable[[], float], *, waiting: Callable[[], bool] = nothing_waits) -> None:
        self._monotonic = monotonic
        self._waiting = waiting
        self._pasted_at = float("-inf")
        self._arrivals: deque[float] = deque(maxlen=ARRIVALS)
        self._handled = float("-inf")

    def arrived(self, at: float) -> None:
        """A key's bytes came at this moment; `handle` follows."""
        self._arrivals.append(at)

    def pasted(self) -> None:
        """A paste came, and was told as one."""
        self._pasted_at = self._monotonic()

    def handle(self, at: float) -> None:
        """The key that arrived at this moment is handled now."""
        if at not in self._arrivals:
            self._arrivals.append(at)
        self._handled = at
        if self._burst(at - PASTED_S):
            self.pasted()

    @property
    def settled(self) -> bool:
        """Whether every key that has arrived is handled."""
        return not self._waiting() and (not self._arrivals or self._arrivals[-1] <= self._handled)

    def allows(self) -> bool:
        """May what the last keys asked for be done?"""
        if not self.settled or self._burst(self._handled - PASTE_GUARD_S):
            return False
        return self._monotonic() - self._pasted_at > PASTE_GUARD_S

    def _burst(self, since: float) -> bool:
        """Whether two keys came too close together for hands, both of them since then."""
        times = [at for at in tuple(self._arrivals) if at >= since]
        return any(after - before < PASTED_S for before, after in pairwise(times))
