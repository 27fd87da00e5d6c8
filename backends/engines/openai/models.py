"""Where an OpenAI-compatible API is, and the models that it lists."""

import re
from urllib.parse import urlsplit

from backends.engines.api_key import ApiKey
from backends.engines.base import ServedModel
from backends.engines.openai.openai_errors import Answered, openai_error
from backends.engines.probe import Probe, objects

VERSION = re.compile(r"/v\d[^/]*(/|$)")


async def models(probe: Probe, *, key: ApiKey | None) -> tuple[ServedModel, ...]:
    """All models that it serves. Raises EngineError."""
    path = api_url(probe.endpoint.base_url, "models")
    status, body = await probe.json(path, headers=key_headers(key))
    if status in (401, 403):
        raise openai_error(Answered(status, body), model="", endpoint=probe.endpoint, key=key)
    if status != 200 or not isinstance(body, dict):
        raise probe.endpoint.protocol_error(f"answers {path} with {status} and no object")
    return tuple(ServedModel(name=str(model.get("id"))) for model in objects(body.get("data")))


def key_headers(key: ApiKey | None) -> dict[str, str]:
    """The header that carries the key, where the engine has one. Raises EngineError "key" for one that is not set."""
    return {} if key is None else {"authorization": f"Bearer {key.checked()}"}


def server_url(base_url: str) -> str:
    """The server's root, where `/metrics` is: the address without `/v1`."""
    return base_url.rstrip("/").removesuffix("/v1")


def api_url(base_url: str, path: str) -> str:
    """`path` of the API: under `/v1`, unless the address has a version already, as `…/api/v1` or `…/v1beta/openai`."""
    root = base_url.rstrip("/")
    return f"{root}/{path}" if VERSION.search(urlsplit(root).path) else f"{root}/v1/{path}"
