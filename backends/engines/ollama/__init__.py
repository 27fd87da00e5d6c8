"""Ollama, through its own client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from backends.engines.base import Call, Capabilities, EngineChunk, EngineClient, Inspection
from backends.engines.endpoint import Endpoint
from backends.engines.ollama.chat_body import ignored
from backends.engines.ollama.embed import embed
from backends.engines.ollama.residency import load, unload
from backends.engines.ollama.status import OllamaStatus, inspect
from backends.engines.ollama.stream import stream
from backends.engines.ollama.windows import Windows
from backends.engines.probe import Probe
from backends.engines.prompt_parts import server_capabilities
from backends.engines.transport import Transport
from backends.lazy import Lazy
from backends.settings.engines import EngineSettings, OllamaSettings
from backends.types import EngineName, RuntimeReading

if TYPE_CHECKING:
    from backends.engines.ollama.sdk import OllamaSdk
    from backends.engines.registry import Parts


class OllamaClient:
    """`qwen2.5:14b` or any model that Ollama has. Every call has the same `num_ctx`: another one reloads the model."""

    def __init__(
        self,
        name: EngineName,
        settings: OllamaSettings,
        *,
        base_url: str | None = None,
        windows: Windows | None = None,
    ) -> None:
        """`base_url` is the replica to talk to, by default the settings' own; `windows` are shared by all replicas."""
        self.name = name
        self._settings = settings
        self.endpoint = ollama_endpoint(name, base_url or settings.base_url)
        self._transport = Transport(self.endpoint, parallel=settings.parallel)
        self._sdk = Lazy(self._build_sdk)
        self._probe = Probe(self.endpoint, self._transport)
        self._status = OllamaStatus(self._probe)
        self._windows = windows or Windows(settings)
        self._windows.ask(self._probe)

    @property
    def base_url(self) -> str:
        return self.endpoint.base_url

    async def prepare(self) -> None:
        """Import the SDK ahead of the first call; it takes 0.2 s."""
        await self._sdk.get()

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`."""
        return ignored(call)

    def capabilities(self, model: str) -> Capabilities:
        """As `EngineClient.capabilities`."""
        window = self._windows.of(model)
        return server_capabilities(
            self._settings, model, context=window.tokens, window_known=window.known, forces_tools=False
        )

    def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Raises EngineError "context" before anything is sent where the prompt does not fit, and
        "rejected" where it has a file that Ollama does not take.
        """
        return stream(call, self._settings, self._windows, self.endpoint, self._sdk)

    async def learn_window(self, model: str) -> None:
        """As `EngineClient.learn_window`."""
        await self._windows.learn(model)

    async def status(self, at: datetime) -> RuntimeReading:
        """As `EngineClient.status`: the version and the loaded models."""
        return await self._status.read(at)

    async def inspect(self, model: str | None = None) -> Inspection:
        """As `EngineClient.inspect`."""
        return await inspect(self._probe, model or self._settings.model, self._windows)

    async def embed(self, model: str, texts: Sequence[str], *, keep_alive: str = "30m") -> list[list[float]]:
        """As `ollama.embed.embed`."""
        return await embed(await self._sdk.get(), self.endpoint, model, texts, keep_alive=keep_alive)

    async def load(self, model: str, *, run: bool) -> None:
        """As `LoadsModels.load`."""
        await load(self._probe, model, self._settings, self._windows, run=run)

    async def unload(self, model: str) -> None:
        """As `LoadsModels.unload`."""
        await unload(self._probe, model)

    async def close(self) -> None:
        await self._transport.aclose()

    def _build_sdk(self) -> OllamaSdk:
        from backends.engines.ollama.sdk import OllamaSdk

        return OllamaSdk(host=self.endpoint.base_url, transport=self._transport, follow_redirects=False)


def clients(name: EngineName, settings: EngineSettings, parts: Parts) -> tuple[EngineClient, ...]:
    """As `registry.Kind.clients`."""
    assert isinstance(settings, OllamaSettings)  # noqa: S101 — the kind that the registry was asked for
    windows = Windows(settings, memory=parts.memory)
    return tuple(OllamaClient(name, settings, base_url=address, windows=windows) for address in settings.addresses)


def ollama_endpoint(name: EngineName, base_url: str) -> Endpoint:
    return Endpoint(
        engine=name,
        base_url=base_url,
        label="Ollama",
        remedy=f"start it with `ollama serve`, or set engines.{name}.base_url",
        billed=False,
    )
