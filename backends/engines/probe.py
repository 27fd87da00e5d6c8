"""Short questions to an engine's server outside any call: which version, which models, how it is."""

import re
from typing import Any

import httpx
import msgspec

from backends.engines.call_scope import CallScope
from backends.engines.endpoint import Endpoint
from backends.engines.plain_text import as_json
from backends.engines.transport import Transport
from backends.errors import EngineError

ANSWER_S = 5.0
REMEDY = re.compile(r"(.*): (.*)", re.DOTALL)


class Probe:
    """Requests over the engine's own connections. Nothing to close: the connections are the transport's."""

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self.endpoint = endpoint
        self._client = httpx.AsyncClient(transport=transport, base_url=endpoint.base_url, trust_env=False)

    async def fetch(
        self,
        path: str,
        *,
        answer_s: float = ANSWER_S,
        headers: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        method: str = "",
    ) -> tuple[int, bytes]:
        """The status and the body of `path`, which is sent `body` as JSON where there is one, by default with POST.

        Raises EngineError where no answer comes within `answer_s` seconds.
        """
        method = method or ("GET" if body is None else "POST")
        content = None if body is None else as_json(body)
        headers = (headers or {}) | ({"content-type": "application/json"} if content is not None else {})
        async with CallScope(self.endpoint, first_byte_s=answer_s, idle_s=answer_s) as scope:
            response = await scope.receive(self._client.request(method, path, headers=headers, content=content))
        return response.status_code, response.content

    async def json(
        self,
        path: str,
        *,
        answer_s: float = ANSWER_S,
        headers: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        method: str = "",
    ) -> tuple[int, Any]:
        """As `fetch`, with the answer decoded; one that is not JSON is returned as text."""
        status, answered = await self.fetch(path, answer_s=answer_s, headers=headers, body=body, method=method)
        try:
            return status, msgspec.json.decode(answered)
        except (msgspec.DecodeError, RecursionError):
            return status, answered.decode(errors="replace")

    async def json_object(self, path: str, *, answer_s: float = ANSWER_S) -> dict[str, Any]:
        """A JSON object. Raises EngineError for any other answer."""
        status, body = await self.json(path, answer_s=answer_s)
        if status != 200 or not isinstance(body, dict):
            raise self.endpoint.protocol_error(f"answers {path} with {status} and no object")
        return body


def split_remedy(error: EngineError) -> tuple[str, str]:
    """An error's message in its two halves: what happened, and what to do about it ("" where it does not say)."""
    found = REMEDY.fullmatch(str(error))
    return (found[1], found[2]) if found else (str(error), "")


def objects(values: Any) -> list[dict[str, Any]]:
    """The JSON objects of a list; other values, and what is not a list, are skipped."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
