"""Any server that speaks OpenAI's chat completions, such as vLLM or llama-server, without an SDK."""

from collections.abc import AsyncGenerator
from datetime import datetime

import httpx

from backends.engines.base import Call, EngineChunk, Inspection
from backends.engines.endpoint import Endpoint
from backends.engines.openai.status import inspect, read_status
from backends.engines.openai.stream import stream
from backends.engines.probe import Probe
from backends.engines.transport import Transport
from backends.settings.engines import OpenAISettings
from backends.types import EngineName, RuntimeReading


class OpenAIClient:
    name: EngineName = "local"

    def __init__(self, settings: OpenAISettings) -> None:
        self._settings = settings
        self.endpoint = openai_endpoint(settings)
        self._transport = Transport(self.endpoint, parallel=settings.parallel)
        self._client = httpx.AsyncClient(transport=self._transport, trust_env=False)
        self._probe = Probe(self.endpoint, self._transport)

    async def prepare(self) -> None:
        """There is no SDK to import."""

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`. The server is sent everything; none says which of it its model honours."""
        return ()

    def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Raises EngineError "context" before anything is sent where the prompt does not fit, and
        "rejected" where it has a file that such servers do not take.
        """
        return stream(call, self._settings, self.endpoint, self._client)

    async def status(self, at: datetime) -> RuntimeReading:
        """As `EngineClient.status`: the server's own queue, from its metrics."""
        return await read_status(self._probe, at)

    async def inspect(self) -> Inspection:
        """As `EngineClient.inspect`."""
        return await inspect(self._probe, self._settings.model)

    async def close(self) -> None:
        await self._transport.aclose()


def openai_endpoint(settings: OpenAISettings) -> Endpoint:
    return Endpoint(
        base_url=settings.base_url,
        label="the local engine",
        remedy="start the server, or set engines.local.base_url",
        billed=False,
    )
