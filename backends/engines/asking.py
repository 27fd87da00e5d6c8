"""One short question to an engine, outside any call: which version, which models."""

from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from backends.engines.peer import Peer
from backends.engines.scope import CallScope
from backends.engines.transport import Transport

ANSWER_S = 5.0


class Asking:
    """An async context that opens connections of its own and closes them."""

    def __init__(self, peer: Peer, headers: dict[str, str] | None = None) -> None:
        self._peer = peer
        self._client = httpx.AsyncClient(
            transport=Transport(peer, parallel=1), base_url=peer.base_url, headers=headers, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, path: str) -> tuple[int, Any]:
        """GET a path: its status, and its body as JSON, else as text. Raises EngineError where no answer comes."""
        async with CallScope(self._peer, first_byte_s=ANSWER_S, idle_s=ANSWER_S) as scope:
            response = await scope.hear(self._client.get(path))
        try:
            return response.status_code, msgspec.json.decode(response.content)
        except (msgspec.DecodeError, RecursionError):
            return response.status_code, response.text

    async def get(self, path: str) -> dict[str, Any]:
        """GET a JSON object. Raises EngineError for any other answer."""
        status, body = await self.ask(path)
        if status != 200 or not isinstance(body, dict):
            raise self._peer.strange(f"answers {path} with {status} and no object")
        return body
