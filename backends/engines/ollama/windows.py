"""The windows of one engine's models: learned once, before the first call, and the same for every call after it.

Ollama loads a model anew for each other `num_ctx`, which takes seconds to minutes and empties its prefix cache.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from backends.engines.ollama.models import find, models
from backends.engines.ollama.window_size import ModelFacts, Window, largest, provisional, read_facts
from backends.engines.probe import Probe
from backends.errors import EngineError
from backends.settings.engines import OllamaSettings, is_loopback

if TYPE_CHECKING:
    from backends.engines.registry import Memory

SETTLE_S = 2.0
"""How long a server may take to describe a model."""


class Windows:
    """Of one engine, shared by the clients of all its addresses: the smallest that any of them allows."""

    def __init__(
        self,
        settings: OllamaSettings,
        *,
        memory: "Memory | None" = None,
        environ: Mapping[str, str] = os.environ,
        answer_s: float = SETTLE_S,
    ) -> None:
        """`memory` is None where this machine's says nothing of the engine. Ollama's own variables are read where this
        process has them, too.
        """
        self._memory = memory
        self._answer_s = answer_s
        self._fixed = None if settings.context == "auto" else Window(tokens=settings.context)
        places = environ.get("OLLAMA_NUM_PARALLEL", "")
        self._places = (int(places) or None) if places.isdecimal() else None
        self._parallel = settings.parallel
        self._cache_type = environ.get("OLLAMA_KV_CACHE_TYPE", "").lower() or "f16"
        self._probes: list[Probe] = []
        self._known: dict[str, Window] = {}
        self._learning = asyncio.Lock()

    def ask(self, probe: Probe) -> None:
        """One more address that describes models."""
        self._probes.append(probe)

    def of(self, model: str) -> Window:
        """The window as far as it is known."""
        return self._fixed or self._known.get(model) or provisional(model)

    async def learn(self, model: str) -> Window:
        """The window, asked for where it is not known yet. Raises EngineError where no address describes the model."""
        async with self._learning:
            window = self.of(model)
            if not window.known:
                window = self._known[model] = await self._found(model)
        return window

    async def _found(self, model: str) -> Window:
        found = await asyncio.gather(*(self._at(probe, model) for probe in self._probes), return_exceptions=True)
        windows = [each for each in found if isinstance(each, Window)]
        for error in found:
            if isinstance(error, BaseException) and (not windows or not isinstance(error, EngineError)):
                raise error
        return min(windows, key=lambda window: window.tokens)

    async def _at(self, probe: Probe, model: str) -> Window:
        """What one address allows. This machine's memory counts where the server runs on it."""
        facts = await self._facts(probe, model)
        ask = self._memory if is_loopback(probe.endpoint.base_url) else None
        memory = None if ask is None else await ask()
        return largest(facts, memory, parallel=self._parallel, places=self._places, cache_type=self._cache_type)

    async def _facts(self, probe: Probe, model: str) -> ModelFacts:
        status, shown = await probe.json("/api/show", answer_s=self._answer_s, body={"model": model})
        if status == 404:
            raise EngineError(f"Ollama has no model {model}: run `ollama pull {model}`", kind="model", status=404)
        if status != 200 or not isinstance(shown, dict):
            return ModelFacts()  # a server that only speaks its protocol
        listed = find(await models(probe), model)
        return read_facts(shown, None if listed is None else listed.size_b)
