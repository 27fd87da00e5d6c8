"""How an OpenAI-compatible server is: its queue from its metrics, and whether it has the configured model."""

import re
from datetime import datetime

from backends.engines.base import Inspection
from backends.engines.openai.models import models, server_url
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


async def inspect(probe: Probe, model: str) -> Inspection:
    """As `EngineClient.inspect`."""
    served = await models(probe)
    return Inspection(
        server="OpenAI-compatible",
        model=next((each for each in served if each.name == model), None),
        models=tuple(each.name for each in served),
    )
