"""One call to Gemini, from its body to the last chunk."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from backends.catalogue import Model
from backends.engines.api_key import ApiKey
from backends.engines.base import AnsweredBy, Call, EngineChunk, Finished, SendState, mark_unsent
from backends.engines.call_scope import CallScope
from backends.engines.endpoint import Endpoint
from backends.engines.gemini.cache_keeping import CacheKeeping
from backends.engines.gemini.explicit_caches import ExplicitCaches, PromptCache, PromptParts, joined
from backends.engines.gemini.function_names import FunctionNames
from backends.engines.gemini.gemini_errors import (
    broken_off,
    gemini_error,
    refuses_json,
    refuses_signature,
)
from backends.engines.gemini.generate_body import body, configuration, instructed_format, whole_turns
from backends.engines.gemini.learned_facts import LearnedFacts
from backends.engines.gemini.raw_events import GeminiEvents, WrittenSignatures
from backends.engines.gemini.response_reading import ResponseReading
from backends.engines.gemini.signature_store import SignatureStore, is_signed, without_signatures
from backends.engines.plain_text import as_json
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.lazy import Lazy
from backends.off_loop import off_loop, size_of

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentConfig, GenerateContentResponse

MODEL_NAME = re.compile(r"((models|tunedModels)/)?[\w.-]+", re.ASCII)
CACHE_REFUSED = (400, 403, 404)
"""How Gemini answers a call that reads a cache which has ended, or does not fit."""

SIGNATURES_LEFT_OUT = "thought signatures that the model refused were left out"


async def stream(
    call: Call,
    key: ApiKey,
    endpoint: Endpoint,
    sdk: Lazy[Client],
    *,
    facts: LearnedFacts,
    signatures: SignatureStore | None,
    caches: ExplicitCaches | None = None,
) -> AsyncGenerator[EngineChunk]:
    """As `Engine.stream`.

    A model that refuses a JSON format beside tools is asked once more, with the format as an instruction; the refusal
    costs nothing and is remembered. A model that refuses a signature is asked once more without any: a client may have
    changed the call that the signature belongs to, or may have it from elsewhere. Where an explicit cache cannot be
    read, because it has ended, the whole prompt is sent.
    """
    send_state = mark_unsent(call)
    key.checked()
    refuse_odd_name(call.model)
    client = await sdk.get()
    if facts.of(call.model).needs_signatures and signatures is not None:
        call = replace(call, messages=await signatures.restore(call.messages))
    notes: tuple[str, ...] = ()
    while True:
        model = facts.of(call.model)
        request = _GenerateRequest(call, model, key, endpoint, send_state)
        try:
            async with aclosing(request.chunks(client, facts, signatures, caches)) as chunks:
                async for chunk in chunks:
                    yield replace(chunk, notes=(*chunk.notes, *notes)) if isinstance(chunk, Finished) else chunk
        except EngineError as error:
            if request.cache is not None and caches is not None and error.status in CACHE_REFUSED:
                caches.forget(request.cache)
            elif refuses_signature(error) and not notes and any(map(is_signed, call.messages)):
                call = replace(call, messages=tuple(map(without_signatures, call.messages)))
                notes = (SIGNATURES_LEFT_OUT,)
            elif model.json_with_tools and call.tools and refuses_json(error):
                facts.refuses_json_with_tools(call.model)
            else:
                raise
        else:
            return


class _GenerateRequest:
    """One request for a call, built by the facts of `model`."""

    def __init__(self, call: Call, model: Model, key: ApiKey, endpoint: Endpoint, send_state: SendState) -> None:
        self._call = call
        self._model = model
        self._key = key
        self._endpoint = endpoint
        self._send_state = send_state
        self.cache: PromptCache | None = None

    async def chunks(
        self,
        client: Client,
        facts: LearnedFacts,
        signatures: SignatureStore | None,
        caches: ExplicitCaches | None,
    ) -> AsyncGenerator[EngineChunk]:
        call, model = self._call, self._model
        names, config, parts_sent = await off_loop(call.size or size_of(call), lambda: _built(call, model))
        extra, wanted = parts_sent.fields, call.explicit_cache
        if wanted is not None and caches is not None:
            self.cache = caches.find(wanted, call.model, parts_sent)
            extra = extra if self.cache is None else parts_sent.behind(self.cache)
        written = WrittenSignatures()
        reading = ResponseReading(call, self._endpoint, names, written, instructed=bool(instructed_format(call, model)))
        async with CallScope(
            self._endpoint,
            first_byte_s=call.first_byte_s,
            idle_s=call.idle_s,
            framing=lambda: GeminiEvents(written),
            send_state=self._send_state,
            extra_fields=extra,
        ) as scope:
            parts = await client.aio.models.generate_content_stream(model=call.model, contents="", config=config)
            while not reading.over and (part := await self._next_part(scope, parts, facts)) is not None:
                for chunk in reading.feed(part):
                    if isinstance(chunk, AnsweredBy):
                        facts.answered(call.model, chunk.model)
                    yield chunk
        for chunk in reading.flush():
            yield chunk
        finished = reading.finish()
        if signatures is not None:
            signatures.remember(reading.message)
        if caches is not None and wanted is not None:
            keeping = CacheKeeping(caches, wanted, call, self.cache)
            async for kept in keeping.chunks(parts_sent):
                yield kept
            notes = (*finished.notes, *keeping.notes)
            finished = replace(finished, notes=notes, read_explicit=self.cache is not None)
        yield finished

    async def _next_part(
        self, scope: CallScope, parts: AsyncIterator[GenerateContentResponse], facts: LearnedFacts
    ) -> GenerateContentResponse | None:
        import httpx
        from google.genai.errors import APIError

        try:
            return await scope.receive(anext(parts, None))
        except APIError as error:
            if isinstance(error.response, httpx.Response):
                facts.refused(self._call.model)
                raise gemini_error(
                    error.code, error.details, model=self._call.model, key=self._key, endpoint=self._endpoint
                ) from None
            raise broken_off(error.code, error.details, key=self._key) from None


def _built(call: Call, model: Model) -> tuple[FunctionNames, GenerateContentConfig, PromptParts]:
    """The function names, the request's parameters, and what grows with the prompt, as JSON that is added to them.

    Raises EngineError "rejected" where the model cannot be asked that.
    """
    names = FunctionNames(call)
    written = body(call, model, names)
    turns = tuple(as_json(turn) for turn in written.pop("contents"))
    fields = {
        name: {inner: _json(each) for inner, each in value.items()} if name == "generationConfig" else _json(value)
        for name, value in written.items()
    }
    known = 0 if call.explicit_cache is None else call.explicit_cache.messages
    stable = min(whole_turns(call, model, names, known), len(turns) - 1) if known else 0
    return names, configuration(call, model), PromptParts(fields | {"contents": joined(turns)}, turns, stable)


def _json(value: object) -> msgspec.Raw:
    return msgspec.Raw(as_json(value))


def refuse_odd_name(model: str) -> None:
    """The name becomes part of the address. Raises EngineError "model" for one that could change the address."""
    if not MODEL_NAME.fullmatch(model) or ".." in model:
        raise EngineError(f"{one_line(model)} is no name of a Gemini model: use one it lists", kind="model")
