"""How Gemini is: reachable, with a key that it accepts, serving the configured model. Costs nothing."""

from datetime import datetime
from urllib.parse import quote

from backends.engines.api_key import ApiKey
from backends.engines.base import Inspection, ServedModel
from backends.engines.gemini.gemini_errors import gemini_error
from backends.engines.probe import Probe, split_remedy
from backends.errors import EngineError
from backends.types import RuntimeReading


async def read_status(probe: Probe, at: datetime, *, key: ApiKey, model: str) -> RuntimeReading:
    """Never raises."""
    try:
        await describe(probe, key=key, model=model)
    except EngineError as error:
        return RuntimeReading(at=at, reachable=error.status is not None, detail=split_remedy(error)[0])
    return RuntimeReading(at=at, reachable=True)


async def inspect(probe: Probe, *, key: ApiKey, model: str) -> Inspection:
    """As `EngineClient.inspect`. The list of models is left out: Google describes one model at a time."""
    return Inspection(server="Gemini", model=await describe(probe, key=key, model=model), relayed=True)


async def describe(probe: Probe, *, key: ApiKey, model: str) -> ServedModel:
    """The model as Google describes it, where this key may use it. Raises EngineError."""
    headers = {"x-goog-api-key": key.checked()}
    status, body = await probe.json(f"/v1beta/models/{quote(model, safe='')}", headers=headers)
    if status != 200:
        raise gemini_error(status, body, model=model, key=key, endpoint=probe.endpoint)
    return ServedModel(name=model)
