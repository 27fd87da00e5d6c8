"""Gemini, through google-genai's async client."""

from __future__ import annotations

import re
import warnings
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from backends.engines.base import Call, EngineChunk, kept_back
from backends.engines.foreign import one_line
from backends.engines.framing import Events
from backends.engines.gemini_body import configuration, contents
from backends.engines.gemini_reading import Reading
from backends.engines.gemini_refusal import KEY_PAGE, broken_off, refusal
from backends.engines.late import Late
from backends.engines.peer import Peer
from backends.engines.scope import CallScope
from backends.engines.transport import Transport
from backends.errors import EngineError
from backends.settings import CloudEngine
from backends.types import EngineName

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse

MODEL_NAME = re.compile(r"((models|tunedModels)/)?[\w.-]+", re.ASCII)
GOOGLE = "https://generativelanguage.googleapis.com"


class GeminiEngine:
    """`gemini-3.5-flash-lite` or any other Gemini model. One client serves all calls: building one costs 47 ms.

    The key travels in its header and nowhere else. Without a key every call raises EngineError "key".
    """

    name: EngineName = "cloud"

    def __init__(self, settings: CloudEngine, key: str | None) -> None:
        self._settings = settings
        self._key = key
        self._peer = gemini_peer(settings)
        self._transport = Transport(self._peer, parallel=settings.parallel)
        self._client = Late(self._connect)

    async def prepare(self) -> None:
        """Import the SDK and build the client ahead of the first call; it takes 0.6 s."""
        if self._key:
            await self._client.get()

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`."""
        return ()

    async def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Never counts tokens by asking: that would send the prompt out."""
        wire = kept_back(call)
        key = usable_key(self._key)
        refuse_odd_name(call.model)
        client = await self._client.get()
        config = configuration(call)
        reading = Reading(call, self._peer)
        async with CallScope(
            self._peer, first_byte_s=call.first_byte_s, idle_s=call.idle_s, framing=Events, wire=wire
        ) as scope:
            parts = await client.aio.models.generate_content_stream(
                model=call.model,
                contents=contents(call.messages),
                config=config,
            )
            while (part := await self._next(scope, parts, call.model, key)) is not None:
                for chunk in reading.take(part):
                    yield chunk
        yield reading.end()

    async def close(self) -> None:
        await self._transport.aclose()

    async def _next(
        self, scope: CallScope, parts: AsyncIterator[GenerateContentResponse], model: str, key: str
    ) -> GenerateContentResponse | None:
        import httpx
        from google.genai.errors import APIError

        try:
            return await scope.hear(anext(parts, None))
        except APIError as error:
            if isinstance(error.response, httpx.Response):
                raise refusal(error.code, error.details, model=model, key=key) from None
            raise broken_off(error.code, error.details, key=key) from None

    def _connect(self) -> Client:
        import httpx
        from google.genai import Client
        from google.genai.types import HttpOptions

        # the SDK warns, on the terminal, of each word it does not know; such a finish reason is handled as a block
        warnings.filterwarnings("ignore", r".* is not a valid ", UserWarning, r"google\.genai\.")
        return Client(
            api_key=self._key,
            vertexai=False,
            http_options=HttpOptions(
                base_url=self._peer.base_url,
                httpx_async_client=httpx.AsyncClient(transport=self._transport, trust_env=False),
            ),
        )


def gemini_peer(settings: CloudEngine) -> Peer:
    return Peer(
        base_url=settings.base_url or GOOGLE,
        label="Gemini",
        remedy="check the network, or engines.cloud.base_url where it is set",
        billed=True,
        proxy=settings.proxy,
    )


def refuse_odd_name(model: str) -> None:
    """The name becomes part of the address. Raises EngineError "model" for one that could change the address."""
    if not MODEL_NAME.fullmatch(model) or ".." in model:
        raise EngineError(f"{one_line(model)} is no name of a Gemini model: use one it lists", kind="model")


def usable_key(key: str | None) -> str:
    """The key as a header may carry it. Raises EngineError "key"."""
    if not key:
        raise EngineError(f"no Gemini key: set GEMINI_API_KEY to one from {KEY_PAGE}", kind="key")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise EngineError("GEMINI_API_KEY holds characters that no key has: set it again", kind="key")
    return key
