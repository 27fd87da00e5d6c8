"""Actions on engines: cloud spend stopped and resumed, an engine drained and taken back into use."""

from collections.abc import Mapping
from datetime import datetime

from backends.engine_names import known_engine
from backends.ledger.store import Ledger
from backends.pipeline.controls import Controls
from backends.types import CLOUD, Acted, Action, EngineName
from backends.upstream.engine_slot import EngineSlot


class EngineActions:
    """Saying a thing twice changes nothing the second time, and takes nothing away from undoing the first."""

    def __init__(self, slots: Mapping[EngineName, EngineSlot], *, controls: Controls, ledger: Ledger) -> None:
        self._slots = slots
        self._controls = controls
        self._ledger = ledger

    async def stop_cloud(self, action: Action, at: datetime) -> Acted:
        """Stop or resume all cloud spend."""
        stop = action.verb == "stop-cloud"
        if stop == self._controls.cloud_stopped:
            return await self._unchanged(action, at, f"cloud spend is {'stopped already' if stop else 'not stopped'}")
        undo = Action(verb="resume-cloud" if stop else "stop-cloud", actor=action.actor)
        acted = Acted(at=at, action=action, detail=f"cloud spend {'stopped' if stop else 'resumed'}", undo=undo)
        await self._controls.stop_cloud(stop, acted)
        for slot in self._slots.values():
            if slot.zone == CLOUD:
                slot.stopped = stop
                slot.changed()
        return acted

    async def drain(self, action: Action, at: datetime, engine: str) -> Acted:
        """Keep new requests from an engine, or let them come again. What runs on it ends; what waits goes elsewhere
        where policy, privacy and budget allow it, and else keeps its turn.
        """
        drain, name = action.verb == "drain", known_engine(engine, self._slots)
        if drain == (name in self._controls.drained):
            return await self._unchanged(action, at, f"{name} is {'drained already' if drain else 'not drained'}")
        slot = self._slots[name]
        undo = Action(verb="undrain" if drain else "drain", actor=action.actor, engine=name)
        waiting, running = slot.limiter.waiting, slot.limiter.in_flight
        left = f": {running} still run, {waiting} wait" if drain and running + waiting else ""
        detail = f"{name} drained{left}" if drain else f"{name} takes requests again"
        acted = Acted(at=at, action=action, detail=detail, undo=undo)
        await self._controls.drain(name, drain, acted)
        slot.drain(drain)
        return acted

    async def _unchanged(self, action: Action, at: datetime, detail: str) -> Acted:
        acted = Acted(at=at, action=action, detail=detail)
        await self._ledger.audit(acted)
        return acted
