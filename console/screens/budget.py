"""Another limit for a budget: arrows choose which, figures say how much, enter does it."""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from textual.events import Key

from backends.types import Action, BudgetState
from console.present.figures import limit, total
from console.present.rows import BLANK, Row, paragraph, row, span
from console.screens.overlay import Overlay

MOST = Decimal(1_000_000)
TYPED = 12  # characters of an amount


class BudgetScreen(Overlay[Action]):
    """Dismissed with the order to give, or None."""

    def __init__(self, budgets: Sequence[BudgetState], *, typed_by_hand: Callable[[], bool]) -> None:
        """`typed_by_hand` says whether the last keys were no paste: a pasted enter sets nothing."""
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
            self._answer()
        elif event.character and event.character in "0123456789." and len(self._typed) < TYPED:
            self._typed += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        self.sheet_changed()

    def _answer(self) -> None:
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
        return amount if amount <= MOST else None

    def _rows(self, cells: int) -> list[Row]:
        rows: list[Row] = []
        for index, budget in enumerate(self._budgets):
            chosen = index == self._at
            name = f"{'▸' if chosen else ' '} {budget.scope} a {budget.window}"
            spent = f"  {limit(budget.limit_usd)}, {total(budget.spent_usd)} spent"
            rows.append(row(span(name, "strong" if chosen else "text"), span(spent, "dim")))
        amount = "▏" if not self._typed else f"{self._typed}▏"
        bad = self._typed and self._amount() is None
        entry = row(span("new limit  $", "dim"), span(amount, "bad" if bad else "strong"))
        note = "↑ ↓ which, figures how much, enter sets it at once, esc leaves; claw.toml stays as it is"
        again = paragraph("that enter came with pasted text: press it again", cells, "warn") if self._refused else []
        return [*rows, BLANK, entry, *again, BLANK, *paragraph(note, cells, "dim")]
