"""What keys ask for, carried out: asked first where it costs money or stops traffic, never for pasted keys."""

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace
from textual.app import App

from backends.text.times import ago
from backends.types import Acted, Action, Undoable
from console.keys import PasteGuard
from console.present.questions import question
from console.state import ViewState

SETTLE_S = 0.05
"""How long an action waits for keys that follow at once: those show that it was pasted."""
PATIENCE = 40
"""How often it waits again while keys have arrived that a busy machine has not handled yet."""
IN_MIND = timedelta(minutes=1)
"""For how long nobody needs to be told what the last action was."""
SAME = timedelta(seconds=1)
PAST = "This is the past, nothing can be changed in it: live only, press end"


class ActionRunner:
    """`act` gives an action to the core, `tell` shows a line, and whether it is bad, and `state` is what is shown."""

    def __init__(
        self,
        app: App[None],
        guard: PasteGuard,
        *,
        state: Callable[[], ViewState],
        act: Callable[[Action], None],
        tell: Callable[[str, bool], None],
    ) -> None:
        self._app = app
        self._guard = guard
        self._state = state
        self._act = act
        self._tell = tell
        self._own: Acted | None = None

    def run(self, action: Action, *, about: str = "", confirmed: bool = False) -> None:
        """Take an action, once the operator has confirmed it where it needs that. `about` says why it is offered."""
        state = self._state()
        if state.past:
            self._tell(PAST, True)
        elif not confirmed and (text := question(action, state)):
            self._ask(action, f"{about}. {text}" if about else text)
        else:
            self._act_soon(action, PATIENCE)

    def undo(self) -> None:
        """Take back the last action; ask first where it is not one that the operator has in mind."""
        state = self._state()
        last = state.undoable
        if state.past:
            self._tell(PAST, True)
        elif last is None:
            self._tell("Nothing to undo: no action of the last day can be taken back", True)
        else:
            action = Action(verb="undo", actor="console", undoes=last.number)
            since = (state.now or last.at) - last.at
            if self._is_own(last) and since < IN_MIND:
                self._act_soon(action, PATIENCE)
            else:
                self._ask(action, f"Undo: {last.detail}? It was done by {last.actor}, {ago(since)}.")

    def done(self, acted: Acted) -> None:
        """The core has carried out an action of this console."""
        self._own = acted

    def _is_own(self, last: Undoable) -> bool:
        own = self._own
        return own is not None and own.detail == last.detail and abs(own.at - last.at) < SAME

    def _ask(self, action: Action, text: str) -> None:
        if not self._guard.allows():
            self._ignored(action)
            return
        from console.overlays.overlay import ConfirmOverlay

        def answered(yes: bool | None) -> None:
            if yes:
                self._act_soon(replace(action, confirmed=True), PATIENCE)

        self._app.push_screen(ConfirmOverlay(text), answered)

    def _act_soon(self, action: Action, patience: int) -> None:
        self._app.set_timer(SETTLE_S, lambda: self._act_if_typed(action, patience))

    def _act_if_typed(self, action: Action, patience: int) -> None:
        if not self._guard.settled and patience:
            self._act_soon(action, patience - 1)  # keys have arrived that are not handled: they may make it a paste
        elif self._guard.allows():
            self._act(action)
        else:
            self._ignored(action)

    def _ignored(self, action: Action) -> None:
        self._tell(f"{action.verb} was ignored because it came with pasted text", True)
