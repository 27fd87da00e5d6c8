"""The verb "rehearse": incidents at the twins of a running rehearsal, and their end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.types import Acted, Action, EngineName
from backends.upstream.engine_slot import EngineSlot

RESET = "reset"
INCIDENTS = "rehearsed"
"""The switch that a reset turns back: after it there is nothing to undo of the incidents before."""


class TwinControl(Protocol):
    """The twins, as this verb needs them."""

    async def start(self, name: str, engine: EngineName | None) -> str:
        """Start an incident and say in a line what happens. Raises WrongUse for one that there is not."""
        ...

    async def reset(self) -> None:
        """End all incidents."""
        ...


class RehearsalActions:
    """`twins` are None in a core that does not rehearse."""

    def __init__(self, slots: Mapping[EngineName, EngineSlot], ledger: Ledger) -> None:
        self.twins: TwinControl | None = None
        self._slots = slots
        self._ledger = ledger

    async def carry_out(self, action: Action, name: str, at: datetime) -> Acted:
        """Start the incident `name`, or end all with "reset". Raises WrongUse."""
        if self.twins is None:
            raise WrongUse("this core does not rehearse: start one with `claw serve --rehearse` or `claw --rehearse`")
        undo = None
        if name == RESET:
            await self.twins.reset()
            detail = f"all incidents ended{self._forget_failures()}"
        else:
            detail = await self.twins.start(name, action.engine)
            undo = Action(verb="rehearse", actor=action.actor, id=RESET)
        acted = Acted(at=at, action=action, detail=detail, undo=undo)
        await self._ledger.set_control(INCIDENTS, None if undo is None else name, acted)
        return acted

    def _forget_failures(self) -> str:
        """The twins are as new, so what the core learned of their failures is true no more. A real provider would close
        a used-up quota until its midnight; a rehearsal goes on.
        """
        forgotten = [name for name, slot in self._slots.items() if slot.forget_failures()]
        return f"; forgotten that {' and '.join(forgotten)} failed" if forgotten else ""
