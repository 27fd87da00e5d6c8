"""Gemini, through google-genai's async client."""

from __future__ import annotations

import re
import warnings
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from backends.catalogue import Catalogue, Model
from backends.catalogue.names import same, usable
from backends.engines.base import AnsweredBy, Call, EngineChunk, Finished, Wire, kept_back
from backends.engines.foreign import one_line
from backends.engines.gemini_body import body, configuration, ignored, instructed_format
from backends.engines.gemini_frames import GeminiEvents, Signatures
from backends.engines.gemini_names import Names
from backends.engines.gemini_reading import Reading
from backends.engines.gemini_refusal import KEY_PAGE, broken_off, refusal, refuses_json, refuses_signature
from backends.engines.late import Late
from backends.engines.peer import Peer
from backends.engines.plain_text import as_json
from backends.engines.scope import Beside, CallScope
from backends.engines.signatures import SignatureStore, is_signed, without_signatures
from backends.engines.transport import Transport
from backends.errors import EngineError
from backends.off_loop import off_loop, size_of
from backends.settings.model import CloudEngine
from backends.types import EngineName

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentConfig, GenerateContentResponse

MODELS = 100  # of which it is remembered that another one answers
MODEL_NAME = re.compile(r"((models|tunedModels)/)?[\w.-]+", re.ASCII)
SIGNATURES_LEFT_OUT = "thought signatures that the model refused were left out"
GOOGLE = "https://generativelanguage.googleapis.com"


class GeminiEngine:
    """`gemini-3.5-flash-lite` or any other Gemini model. One client serves all calls: building one costs 47 ms.

    The key travels in its header and nowhere else. Without a key every call raises EngineError "key". `signatures`
    knows those that callers did not send back; None is nobody does.
    """

    name: EngineName = "cloud"

    def __init__(
        self,
        settings: CloudEngine,
        key: str | None,
        *,
        catalogue: Catalogue | None = None,
        signatures: SignatureStore | None = None,
    ) -> None:
        self._settings = settings
        self._key = key
        self._catalogue = catalogue or Catalogue()
        self._signatures = signatures
        self._peer = gemini_peer(settings)
        self._transport = Transport(self._peer, parallel=settings.parallel)
        self._client = Late(self._connect)
        self._answering: dict[str, str] = {}
        self._refuse_json: set[str] = set()

    async def prepare(self) -> None:
        """Import the SDK and build the client ahead of the first call; it takes 0.6 s."""
        if self._key:
            await self._client.get()

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`."""
        return ignored(call, self._facts(call.model))

    async def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Never counts tokens by asking: that would send the prompt out.

        A model that refuses a JSON format beside tools is asked once more, with the format as an instruction; the
        refusal costs nothing and is remembered. One that refuses a signature is asked once more without any: a client
        may have changed the call that it signs, or have it from elsewhere.
        """
        wire = kept_back(call)
        key = usable_key(self._key)
        refuse_odd_name(call.model)
        await self._client.get()
        if self._facts(call.model).needs_signatures and self._signatures is not None:
            call = replace(call, messages=await self._signatures.restore(call.messages))
        notes: tuple[str, ...] = ()
        while True:
            model = self._facts(call.model)
            try:
                async with aclosing(self._asked(call, model, key, wire)) as chunks:
                    async for chunk in chunks:
                        yield replace(chunk, notes=(*chunk.notes, *notes)) if isinstance(chunk, Finished) else chunk
            except EngineError as error:
                if refuses_signature(error) and not notes and any(map(is_signed, call.messages)):
                    call = replace(call, messages=tuple(map(without_signatures, call.messages)))
                    notes = (SIGNATURES_LEFT_OUT,)
                elif model.json_with_tools and call.tools and refuses_json(error):
                    self._refuse_json.add(call.model)
                else:
                    raise
            else:
                return

    async def _asked(self, call: Call, model: Model, key: str, wire: Wire) -> AsyncGenerator[EngineChunk]:
        client = await self._client.get()
        names, config, beside = await off_loop(size_of(call), lambda: _built(call, model))
        written = Signatures()
        reading = Reading(call, self._peer, names, written, instructed=bool(instructed_format(call, model)))
        async with CallScope(
            self._peer,
            first_byte_s=call.first_byte_s,
            idle_s=call.idle_s,
            framing=lambda: GeminiEvents(written),
            wire=wire,
            beside=beside,
        ) as scope:
            parts = await client.aio.models.generate_content_stream(model=call.model, contents="", config=config)
            while not reading.over and (part := await self._next(scope, parts, call.model, key)) is not None:
                for chunk in reading.take(part):
                    if isinstance(chunk, AnsweredBy):
                        self._learn(call.model, chunk.model)
                    yield chunk
        for chunk in reading.rest():
            yield chunk
        finished = reading.end()
        if self._signatures is not None:
            self._signatures.remember(reading.message)
        yield finished

    def _facts(self, asked: str) -> Model:
        """What holds of a call for `asked`. Google answers for a model that has ended with its successor, which may
        refuse what the old one took: then the call is made so that either takes it.
        """
        model = self._catalogue.model(asked)
        if asked in self._refuse_json:
            model = replace(model, json_with_tools=False)
        answering = self._answering.get(asked) or self._catalogue.successor(asked, datetime.now(UTC).date())
        if answering is None:
            return model
        later = self._catalogue.model(answering)
        return replace(
            model,
            sampling=model.sampling & later.sampling,
            media=model.media & later.media,
            needs_signatures=model.needs_signatures or later.needs_signatures,
            ends_with_user=model.ends_with_user or later.ends_with_user,
            json_with_tools=model.json_with_tools and later.json_with_tools,
        )

    def _learn(self, asked: str, answering: str) -> None:
        self._answering.pop(asked, None)
        if usable(answering) and not same(asked, answering) and len(self._answering) < MODELS:
            self._answering[asked] = answering

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
                self._answering.pop(model, None)  # what was learned may be over: the next call goes by its own rules
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
                api_version="v1beta",  # the one that Google documents; an address of one's own makes the SDK take v1
                httpx_async_client=httpx.AsyncClient(transport=self._transport, trust_env=False),
            ),
        )


def _built(call: Call, model: Model) -> tuple[Names, GenerateContentConfig, Beside]:
    """The functions' names, the request's parameters, and what grows with the prompt as JSON to be sent beside them.

    Raises EngineError "rejected" where the model cannot be asked that.
    """
    names = Names(call)
    fields = {
        name: {inner: _json(each) for inner, each in value.items()} if name == "generationConfig" else _json(value)
        for name, value in body(call, model, names).items()
    }
    return names, configuration(call, model), fields


def _json(value: object) -> msgspec.Raw:
    return msgspec.Raw(as_json(value))


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
