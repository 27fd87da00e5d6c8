"""Gemini, through google-genai's async client."""

from __future__ import annotations

import time
import warnings
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING

from backends.catalogue import Catalogue
from backends.catalogue.media import MIME_TYPES
from backends.engines.api_key import ApiKey
from backends.engines.base import Call, Capabilities, EngineChunk, EngineClient, Inspection
from backends.engines.endpoint import Endpoint
from backends.engines.gemini.explicit_caches import ExplicitCaches
from backends.engines.gemini.gemini_errors import KEY_PAGE
from backends.engines.gemini.generate_body import ignored
from backends.engines.gemini.learned_facts import LearnedFacts
from backends.engines.gemini.signature_store import SignatureStore
from backends.engines.gemini.status import inspect, read_status
from backends.engines.gemini.stream import stream
from backends.engines.probe import Probe
from backends.engines.transport import Transport
from backends.lazy import Lazy
from backends.settings.engines import EngineSettings, GeminiSettings
from backends.types import EngineName, RuntimeReading

if TYPE_CHECKING:
    from google.genai import Client

    from backends.engines.registry import Parts

GOOGLE = "https://generativelanguage.googleapis.com"


class GeminiClient:
    """`gemini-3.5-flash-lite` or any other Gemini model. One client serves all calls: building one costs 47 ms.

    The key travels in its header and nowhere else. Without a key every call raises EngineError "key". `signatures`
    keeps the thought signatures that callers do not send back; None keeps none.
    """

    def __init__(
        self,
        name: EngineName,
        settings: GeminiSettings,
        key: str | None,
        *,
        catalogue: Catalogue | None = None,
        signatures: SignatureStore | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._key = ApiKey(key, settings.key_variables[-1], source=KEY_PAGE)
        self._signatures = signatures
        self.endpoint = gemini_endpoint(name, settings)
        self._transport = Transport(self.endpoint, parallel=settings.parallel)
        self._sdk = Lazy(self._build_sdk)
        self._catalogue = catalogue or Catalogue()
        self._facts = LearnedFacts(self._catalogue)
        self._probe = Probe(self.endpoint, self._transport)
        self._caches = ExplicitCaches(self._probe, self._key, time.monotonic)

    @property
    def base_url(self) -> str:
        return self.endpoint.base_url

    async def prepare(self) -> None:
        """Import the SDK and build its client ahead of the first call; it takes 0.6 s."""
        if self._key.value:
            await self._sdk.get()

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`."""
        return ignored(call, self._facts.of(call.model))

    def capabilities(self, model: str) -> Capabilities:
        """As `EngineClient.capabilities`."""
        known = self._catalogue.model(model)
        return Capabilities(
            context=known.window,
            max_output=known.max_output,
            vision=True,
            images=MIME_TYPES["image"],
            media=frozenset(known.media),
            thinking=known,
            thinking_cap=self._settings.thinking_budget,
        )

    def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Never counts tokens by a request: that would send the prompt out."""
        return stream(
            call,
            self._key,
            self.endpoint,
            self._sdk,
            facts=self._facts,
            signatures=self._signatures,
            caches=self._caches,
        )

    async def status(self, at: datetime) -> RuntimeReading:
        """As `EngineClient.status`: whether it answers; Gemini says nothing else of itself."""
        return await read_status(self._probe, at, key=self._key, model=self._settings.model)

    async def learn_window(self, model: str) -> None:
        """Its windows are in the catalogue."""

    async def inspect(self, model: str | None = None) -> Inspection:
        """As `EngineClient.inspect`. Describing a model is free."""
        return await inspect(self._probe, key=self._key, model=model or self._settings.model)

    async def close(self) -> None:
        await self._caches.close()
        await self._transport.aclose()

    def _build_sdk(self) -> Client:
        import httpx
        from google.genai import Client
        from google.genai.types import HttpOptions

        # the SDK warns, on the terminal, of each word it does not know; such a finish reason is handled as a block
        warnings.filterwarnings("ignore", r".* is not a valid ", UserWarning, r"google\.genai\.")
        return Client(
            api_key=self._key.value,
            vertexai=False,
            http_options=HttpOptions(
                base_url=self.endpoint.base_url,
                api_version="v1beta",  # the documented one; with another base_url the SDK would take v1
                httpx_async_client=httpx.AsyncClient(transport=self._transport, trust_env=False),
            ),
        )


def clients(name: EngineName, settings: EngineSettings, parts: Parts) -> tuple[EngineClient, ...]:
    """As `registry.Kind.clients`."""
    assert isinstance(settings, GeminiSettings)  # noqa: S101 — the kind that the registry was asked for
    return (GeminiClient(name, settings, parts.key, catalogue=parts.catalogue, signatures=parts.signatures),)


def gemini_endpoint(name: EngineName, settings: GeminiSettings) -> Endpoint:
    return Endpoint(
        engine=name,
        base_url=settings.base_url or GOOGLE,
        label="Gemini",
        remedy=f"check the network, or engines.{name}.base_url where it is set",
        billed=True,
        proxy=settings.proxy,
    )
