"""How an Ollama is: its version, its loaded models, and whether it has the configured model."""

from contextlib import suppress
from datetime import datetime

from backends.engines.address import relayed_by_name
from backends.engines.base import Inspection
from backends.engines.ollama.models import find, loaded_models, models
from backends.engines.ollama.windows import Windows
from backends.engines.probe import ANSWER_S, Probe, split_remedy
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.types import RuntimeReading

STATUS_S = 2.0


class OllamaStatus:
    """Asks for the version only once, until the server has been away: it may come back as another."""

    def __init__(self, probe: Probe, *, answer_s: float = STATUS_S) -> None:
        self._probe = probe
        self._answer_s = answer_s
        self._version: str | None = None

    async def read(self, at: datetime) -> RuntimeReading:
        """A reading, also where the server cannot be reached. Costs about 1 ms of processor time."""
        try:
            if self._version is None:
                self._version = await version(self._probe, answer_s=self._answer_s)
            loaded = await loaded_models(self._probe, answer_s=self._answer_s)
        except EngineError as error:
            self._version = None
            return RuntimeReading(at=at, reachable=False, detail=split_remedy(error)[0])
        return RuntimeReading(at=at, reachable=True, version=self._version, models=loaded)


async def version(probe: Probe, *, answer_s: float = ANSWER_S) -> str:
    """Raises EngineError."""
    found = (await probe.json_object("/api/version", answer_s=answer_s)).get("version")
    if not isinstance(found, str):
        raise probe.endpoint.protocol_error("answers /api/version without a version")
    return one_line(found)


async def inspect(probe: Probe, model: str, windows: Windows) -> Inspection:
    """As `EngineClient.inspect`."""
    server, served = f"Ollama {await version(probe)}", await models(probe)
    found = find(served, model)
    if found is not None and not found.relayed:
        with suppress(EngineError):  # nothing else depends on it; a call asks again
            await windows.learn(model)
    window = windows.of(model)
    return Inspection(
        server=server,
        model=found,
        models=tuple(each.name for each in served),
        # a model that is not there yet may turn out to be a relayed one
        relayed=True if relayed_by_name(model) else None if found is None else found.relayed,
        missing_model=f"run `ollama pull {model}`",
        window=window.line if window.known else "",
        context=window.tokens if window.known else None,
    )
