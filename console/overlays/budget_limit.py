"""A new limit for a budget: arrows choose the budget, digits type the amount, tab for how long, enter sets it.

A raise is asked about while it is typed: only `y` sets it, so that no habit does.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from textual.events import Key, Paste

from backends.text.usd import parse_usd, usd_cents, usd_limit
from backends.types import Action, BudgetState
from console.messages import RunAction
from console.overlays.overlay import PASTED_KEY, Overlay
from console.present.questions import change_of
from console.present.spans import BLANK, Row, paragraph, row, span

LARGEST_USD = Decimal(1_000_000)
LONGEST = 16  # characters of an amount
SPANS: tuple[tuple[str, float | None], ...] = (("for good", None), ("for an hour", 60.0), ("for a day", 1440.0))
"""For how long, and the minutes of it. claw.toml stays as it is in any case."""


class BudgetLimitOverlay(Overlay[RunAction]):
    """Dismissed with the action to run, a raise as one that was confirmed; or None."""

    def __init__(self, budgets: Sequence[BudgetState], *, typed_by_hand: Callable[[], bool]) -> None:
        """`typed_by_hand` tells whether a person typed the last keys: a pasted enter sets nothing."""
        self._budgets = budgets
        self._by_hand = typed_by_hand
        self._refused = ""
        self._at = 0
        self._span = 0
        self._typed = ""
        super().__init__("Budget", self._rows)

    def on_key(self, event: Key) -> None:
        if event.key == "escape":
            return
        self._refused = ""
        if event.key in ("up", "down", "left", "right"):
            self._at = (self._at + (1 if event.key in ("down", "right") else -1)) % len(self._budgets)
        elif event.key == "tab":
            self._span = (self._span + 1) % len(SPANS)
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.key == "enter":
            self._submit(confirmed=False)
        elif event.key == "y":
            self._submit(confirmed=True)
        elif event.is_printable and event.character:
            self._type(event.character)
        else:
            return
        self.consume(event)
        self.sheet_changed()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        for character in event.text.strip()[: LONGEST + 1]:
            self._type(character)
        self.sheet_changed()

    def _type(self, character: str) -> None:
        """Every key is either part of the amount or refused where one sees it: none is dropped."""
        if len(self._typed) >= LONGEST:
            self._refused = f"An amount has at most {LONGEST} characters."
        elif character.isascii() and (character.isdecimal() or character in ".,"):
            self._typed += character
        else:
            self._refused = f"{character!r} is not part of an amount."

    def _submit(self, *, confirmed: bool) -> None:
        if not self._by_hand():
            self._refused = PASTED_KEY
            return
        try:
            amount = self._amount()
        except ValueError:
            return  # the reason is on screen
        budget = self._budgets[self._at]
        if amount > budget.limit_usd and not confirmed:
            self._refused = "That is a raise: y confirms it."
            return
        action = Action(
            verb="set-budget",
            actor="console",
            scope=budget.scope,
            window=budget.window,
            limit_usd=amount,
            minutes=SPANS[self._span][1],
        )
        self.dismiss(RunAction(action, confirmed=amount > budget.limit_usd))

    def _amount(self) -> Decimal:
        """Raises ValueError with the reason."""
        amount = parse_usd(self._typed)
        if amount > LARGEST_USD:
            raise ValueError(f"{usd_limit(amount)} is more than {usd_limit(LARGEST_USD)}")
        return amount

    def _rows(self, cells: int) -> list[Row]:
        rows: list[Row] = []
        for index, budget in enumerate(self._budgets):
            chosen = index == self._at
            name = f"{'▸' if chosen else ' '} {budget.scope} per {budget.window}"
            spent = f"  {usd_limit(budget.limit_usd)}, {usd_cents(budget.spent_usd)} spent"
            rows.append(row(span(name, "strong" if chosen else "text"), span(spent, "dim")))
        entry = row(span("New limit  $", "dim"), span(f"{self._typed}▏", "strong"), span(f"  {SPANS[self._span][0]}"))
        again = paragraph(f"✗ {self._refused}", cells, "warn") if self._refused else []
        note = (
            "↑ ↓ choose a budget. Type the amount. Tab: for how long. Enter sets it, y a raise; esc closes. "
            "claw.toml stays."
        )
        return [*rows, BLANK, entry, *self._change(cells), *again, BLANK, *paragraph(note, cells, "dim")]

    def _change(self, cells: int) -> list[Row]:
        """From which limit to which, or why what was typed is none."""
        if not self._typed:
            return []
        budget = self._budgets[self._at]
        before = budget.limit_usd
        try:
            amount = self._amount()
        except ValueError as error:
            return paragraph(f"✗ {error}", cells, "bad")
        if amount <= before:
            return paragraph(change_of(before, amount), cells)
        length = "" if self._span == 0 else f" {SPANS[self._span][0]}"
        asked = f"Raise {budget.scope} per {budget.window}: {change_of(before, amount)}{length}?"
        return [*paragraph(asked, cells, "warn"), row(span("y", "title"), span(" raises it", "dim"))]
