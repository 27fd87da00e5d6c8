"""Pane 4: today, the month, budgets and agents; `v` opens the FinOps view, `b` changes a budget."""

from typing import ClassVar, Protocol, cast

from textual.binding import Binding, BindingType
from textual.geometry import Size

from backends.types import Action
from console.keys import Guard
from console.messages import Act
from console.present import spend as present
from console.present.frame import Body
from console.present.rows import Row
from console.state import ViewState
from console.widgets.pane import Pane


class Guarded(Protocol):
    """What the pane needs of the App."""

    guard: Guard


class SpendPane(Pane):
    NUMBER: ClassVar[int] = 4
    TITLE: ClassVar[str] = "Spend"
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("v", "savings"), ("b", "budget"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v,enter", "review", "what would save most"),
        Binding("b", "budget", "change a budget"),
    ]

    def body(self, state: ViewState, size: Size) -> Body:
        return Body(present.spend(state, size.width))

    def summary(self, state: ViewState) -> Row:
        return present.summary(state)

    def action_review(self) -> None:
        """Open the FinOps view."""
        from console.screens.finops import FinOpsScreen

        self.app.push_screen(FinOpsScreen())

    def action_budget(self) -> None:
        """Ask for a budget's new limit."""
        from console.screens.budget import BudgetScreen

        if self.state.spend is not None and self.state.spend.budgets:
            guard = cast(Guarded, self.app).guard
            self.app.push_screen(BudgetScreen(self.state.spend.budgets, typed_by_hand=guard.allows), self._set)

    def _set(self, action: Action | None) -> None:
        if action is not None:
            self.post_message(Act(action))
