"""A new limit for a budget: arrows choose the budget, digits type the amount, enter sets it."""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from textual.events import Key

from backends.text.usd import usd_cents, usd_limit
from backends.types import Action, BudgetState
from console.overlays.overlay import Overlay
from console.present.spans import BLANK, Row, paragraph, row, span

LARGEST_USD = Decimal(1_000_000)
LONGEST = 12  # characters of an amount


class BudgetLimitOverlay(Overlay[Action]):
    """Dismissed with the action to run, or None."""

    def __init__(self, budgets: Sequence[BudgetState], *, typed_by_hand: Callable[[], bool]) -> None:
        """`typed_by_hand` tells whether a person typed the last keys: a pasted enter sets nothing."""
        self._budgets = budgets
        self._by_hand = typed_by_hand
        self._refused = False
        self._at = 0
        self._typed = ""
        super().__init__("Budget", self._rows)

    def on_key(self, event: Key) -> None:
        if event.key in ("up", "down", "left", "right"):
            self._at = (self._at + (1 if event.key in ("down", "right") else -1)) % len(self._budgets)
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.key == "enter":
            self._submit()
        elif event.character and event.character in "0123456789." and len(self._typed) < LONGEST:
            self._typed += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        self.sheet_changed()

    def _submit(self) -> None:
        self._refused = not self._by_hand()
        if not self._refused and (amount := self._amount()) is not None:
            budget = self._budgets[self._at]
            self.dismiss(
                Action(verb="set-budget", actor="console", scope=budget.scope, window=budget.window, limit_usd=amount)
            )

    def _amount(self) -> Decimal | None:
        try:
            amount = Decimal(self._typed)
        except InvalidOperation:
            return None
        return amount if amount <= LARGEST_USD else None

    def _rows(self, cells: int) -> list[Row]:
        rows: list[Row] = []
        for index, budget in enumerate(self._budgets):
            chosen = index == self._at
            name = f"{'▸' if chosen else ' '} {budget.scope} per {budget.window}"
            spent = f"  {usd_limit(budget.limit_usd)}, {usd_cents(budget.spent_usd)} spent"
            rows.append(row(span(name, "strong" if chosen else "text"), span(spent, "dim")))
        amount = "▏" if not self._typed else f"{self._typed}▏"
        bad = self._typed and self._amount() is None
        entry = row(span("New limit  $", "dim"), span(amount, "bad" if bad else "strong"))
        note = "↑ ↓ choose a budget. Type the amount. Enter sets it at once, esc closes. claw.toml does not change."
        again = paragraph("That enter came with pasted text. Press it again.", cells, "warn") if self._refused else []
        return [*rows, BLANK, entry, *again, BLANK, *paragraph(note, cells, "dim")]
