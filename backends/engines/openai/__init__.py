"""Any server that speaks OpenAI's chat completions, such as vLLM or llama-server, without an SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING

import httpx

from backends.engines.api_key import ApiKey
from backends.engines.base import Call, Capabilities, EngineChunk, EngineClient, Inspection
from backends.engines.endpoint import Endpoint
from backends.engines.openai.completion_body import RENAMED
from backends.engines.openai.status import inspect, read_status
from backends.engines.openai.stream import RefusedParameters, stream
from backends.engines.probe import Probe
from backends.engines.prompt_parts import server_capabilities
from backends.engines.transport import Transport
from backends.settings.engines import EngineSettings, OpenAISettings
from backends.types import CLOUD, EngineName, RuntimeReading

if TYPE_CHECKING:
    from backends.engines.registry import Parts


class OpenAIClient:
    """A server at home, or a provider in the cloud, which then has a key and may bill for what was sent."""

    def __init__(
        self, name: EngineName, settings: OpenAISettings, key: str | None = None, *, base_url: str | None = None
    ) -> None:
        """`base_url` is the replica to talk to; by default the settings' own."""
        self.name = name
        self._settings = settings
        self._key = ApiKey(key, settings.key_env) if settings.key_env else None
        self.endpoint = openai_endpoint(name, settings, base_url or settings.base_url)
        self._transport = Transport(self.endpoint, parallel=settings.parallel)
        self._client = httpx.AsyncClient(transport=self._transport, trust_env=False)
        self._refused: RefusedParameters = {}
        self._probe = Probe(self.endpoint, self._transport)

    @property
    def base_url(self) -> str:
        return self.endpoint.base_url

    async def prepare(self) -> None:
        """There is no SDK to import."""

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`: what the model has refused so far. No server says beforehand what its model honours."""
        return tuple(sorted(self._refused.get(call.model, set()) - RENAMED.keys()))

    def capabilities(self, model: str) -> Capabilities:
        """As `EngineClient.capabilities`."""
        return server_capabilities(self._settings, model, context=self._settings.context, forces_tools=True)

    def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Raises EngineError "context" before anything is sent where the prompt does not fit, and
        "rejected" where it has a file that such servers do not take.
        """
        context = self._settings.context
        return stream(call, context, self.endpoint, self._client, key=self._key, refused=self._refused)

    async def status(self, at: datetime) -> RuntimeReading:
        """As `EngineClient.status`: the server's own queue, from its metrics."""
        return await read_status(self._probe, at)

    async def learn_window(self, model: str) -> None:
        """Its window is a setting."""

    async def inspect(self, model: str | None = None) -> Inspection:
        """As `EngineClient.inspect`."""
        return await inspect(self._probe, model or self._settings.model, key=self._key)

    async def close(self) -> None:
        await self._transport.aclose()


def clients(name: EngineName, settings: EngineSettings, parts: Parts) -> tuple[EngineClient, ...]:
    """As `registry.Kind.clients`."""
    assert isinstance(settings, OpenAISettings)  # noqa: S101 — the kind that the registry was asked for
    return tuple(OpenAIClient(name, settings, parts.key, base_url=address) for address in settings.addresses)


def openai_endpoint(name: EngineName, settings: OpenAISettings, base_url: str) -> Endpoint:
    cloud = settings.place == CLOUD
    return Endpoint(
        engine=name,
        base_url=base_url,
        label=f"the {name} engine",
        remedy=f"{'check the network' if cloud else 'start the server'}, or set engines.{name}.base_url",
        billed=cloud,
    )
