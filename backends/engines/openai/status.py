"""How an OpenAI-compatible server is: its queue from its metrics, and whether it has the configured model."""

import re
from datetime import datetime

from backends.engines.api_key import ApiKey
from backends.engines.base import Inspection
from backends.engines.openai.models import api_url, key_headers, models, server_url
from backends.engines.openai.openai_errors import Answered, openai_error
from backends.engines.probe import Probe, split_remedy
from backends.errors import EngineError
from backends.types import RuntimeReading

STATUS_S = 2.0
WAITING = re.compile(r"^(?:vllm:num_requests_waiting|llamacpp:requests_deferred)(?:\{[^}]*\})?\s+(\S+)", re.MULTILINE)
COUNT = re.compile(r"\d+(?:\.\d+)?(?:e\+?\d+)?")


async def read_status(probe: Probe, at: datetime) -> RuntimeReading:
    """Requests waiting in vLLM or llama-server. A server without metrics counts as reachable. Never raises."""
    try:
        status, body = await probe.fetch(f"{server_url(probe.endpoint.base_url)}/metrics", answer_s=STATUS_S)
        text = body.decode()
    except EngineError as error:
        return RuntimeReading(at=at, reachable=False, detail=split_remedy(error)[0])
    except UnicodeDecodeError:
        return RuntimeReading(at=at, reachable=False, detail=f"{probe.endpoint.label} has no readable /metrics")
    if status != 200:
        return RuntimeReading(at=at, reachable=True, detail="it has no /metrics: its queue is unknown")
    counts = [float(figure) for figure in WAITING.findall(text) if COUNT.fullmatch(figure)]
    return RuntimeReading(at=at, reachable=True, waiting=int(sum(counts)) if counts else None)


async def inspect(probe: Probe, model: str, *, key: ApiKey | None) -> Inspection:
    """As `EngineClient.inspect`."""
    served = await models(probe, key=key)
    if key is not None:
        await check_key(probe, key)
    return Inspection(
        server="OpenAI-compatible",
        model=next((each for each in served if each.name == model), None),
        models=tuple(each.name for each in served),
        relayed=False,
        missing_model=f"set {probe.endpoint.setting('model')} to one it serves",
    )


async def check_key(probe: Probe, key: ApiKey) -> None:
    """OpenRouter lists its models to everybody, and tells of a key under `/key`; others have no such path.

    Raises EngineError "key" for a key that is not accepted.
    """
    path = api_url(probe.endpoint.base_url, "key")
    status, body = await probe.json(path, headers=key_headers(key))
    if status == 401:
        raise openai_error(Answered(status, body), model="", endpoint=probe.endpoint, key=key)
