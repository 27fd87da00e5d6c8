"""Actions on engines: cloud spend stopped, an engine drained, models loaded and unloaded; each with its way back."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from backends.engine_names import known_engine
from backends.engines.base import EngineClient, LoadsModels
from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.pipeline.controls import Controls
from backends.types import CLOUD, Acted, Action, EngineName
from backends.upstream.engine_slot import EngineSlot


class EngineActions:
    """Saying a thing twice changes nothing the second time, and takes nothing away from undoing the first."""

    def __init__(
        self,
        slots: Mapping[EngineName, EngineSlot],
        *,
        engines: Mapping[EngineName, Sequence[EngineClient]],
        controls: Controls,
        ledger: Ledger,
    ) -> None:
        self._slots = slots
        self._engines = engines
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

    async def load(self, action: Action, at: datetime, engine: str) -> Acted:
        """Load a model at each address of an engine, warm it by one token, or unload it. Waits until it is done.

        Raises WrongUse for an engine that cannot, EngineError where its server does not.
        """
        name = known_engine(engine, self._slots)
        slot, clients = self._slots[name], [each for each in self._engines[name] if isinstance(each, LoadsModels)]
        if not clients:
            able = ", ".join(known for known, each in self._engines.items() if isinstance(each[0], LoadsModels))
            kind = slot.settings.kind
            raise WrongUse(
                f"{name} is of kind {kind}, whose models are not loaded from here: {able or 'no engine'} can"
            )
        model, began = action.model or slot.model, time.monotonic()
        readings = [replica.reading for replica in slot.replicas if replica.reading is not None]
        loaded = any(each.name == model for reading in readings for each in reading.models)
        unload = action.verb == "unload"
        if unload:
            await asyncio.gather(*(client.unload(model) for client in clients))
        else:
            await asyncio.gather(*(client.load(model, run=action.verb == "warm") for client in clients))
        back = Action(verb="load" if unload else "unload", actor=action.actor, engine=name, model=model)
        done = "unloaded" if unload else f"{'warm' if action.verb == 'warm' else 'loaded'} after"
        took = "" if unload else f" {time.monotonic() - began:.1f} s"
        acted = Acted(
            at=at, action=action, detail=f"{model} at {name}: {done}{took}", undo=back if loaded == unload else None
        )
        await self._ledger.audit(acted)
        return acted

    async def _unchanged(self, action: Action, at: datetime, detail: str) -> Acted:
        acted = Acted(at=at, action=action, detail=detail)
        await self._ledger.audit(acted)
        return acted
