"""The verb "adopt": another model takes an engine's calls for good, such as the successor of a retired one."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from backends.engine_names import known_engine
from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.monitoring.model_watch import ModelWatch
from backends.pipeline.reload import Reload
from backends.settings.edit import set_keys
from backends.settings.section import dotted
from backends.types import Acted, Action, EngineName
from backends.upstream.engine_slot import EngineSlot


class ModelAdoption:
    """`config` is claw.toml, None where it is not to be written: a rehearsal changes nothing but itself."""

    def __init__(
        self,
        slots: Mapping[EngineName, EngineSlot],
        config: Path | None,
        *,
        reload: Reload,
        models: ModelWatch,
        ledger: Ledger,
    ) -> None:
        self._slots = slots
        self._config = config
        self._reload = reload
        self._models = models
        self._ledger = ledger

    async def carry_out(self, action: Action, at: datetime, engine: str) -> Acted:
        """Write `action.model`, by default the successor of the engine's own, to claw.toml, and use it at once.

        Raises WrongUse where none is known or it has no price, WrongSettings where claw.toml would not load with it.
        """
        name = known_engine(engine, self._slots)
        slot = self._slots[name]
        old, model = slot.model, action.model or self._models.successor(slot.model)
        if model is None or model == old:
            raise WrongUse(f"no successor of {old} is known: `claw act adopt {name} MODEL` names one")
        if not self._models.priced(name, model):
            raise WrongUse(f'{model} has no price: add [prices."{model}"] to claw.toml first')
        settings = self._reload.with_model(name, model)
        if self._config is not None:
            await asyncio.to_thread(set_keys, self._config, {dotted("engines", name, "model"): json.dumps(model)})
        acted = Acted(
            at=at,
            action=action,
            detail=f"{name} asks for {model} in place of {old}{', in this rehearsal' * (self._config is None)}",
            undo=Action(verb="adopt", actor=action.actor, engine=name, model=old),
            before=old,
            after=model,
        )
        await self._ledger.audit(acted)
        slot.adopt(model)
        self._models.adopt(name, old, model)
        self._reload.use_engines_of(settings)
        return acted
