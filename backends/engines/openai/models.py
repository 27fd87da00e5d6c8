"""Where an OpenAI-compatible API is, and the models that it lists."""

from backends.engines.base import ServedModel
from backends.engines.probe import Probe, objects


async def models(probe: Probe) -> tuple[ServedModel, ...]:
    """All models that it serves. Raises EngineError."""
    listed = objects((await probe.json_object(api_url(probe.endpoint.base_url, "models"))).get("data"))
    return tuple(ServedModel(name=str(model.get("id"))) for model in listed)


def server_url(base_url: str) -> str:
    """The server's root, where `/metrics` is: the address without `/v1`."""
    return base_url.rstrip("/").removesuffix("/v1")


def api_url(base_url: str, path: str) -> str:
    """`path` under `/v1`, whether or not the setting ends with `/v1` already."""
    return f"{server_url(base_url)}/v1/{path}"
