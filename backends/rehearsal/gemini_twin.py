"""Gemini's HTTP API on loopback: generate, stream, count, caches and models, under /v1 and /v1beta."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from backends.rehearsal.behaviour import GEMINI, Behaviour, TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_answers import THOUGHT, Event, Responses, altered
from backends.rehearsal.gemini_caches import LEAST_TOKENS, Caches, KeptPrompt, read_with
from backends.rehearsal.gemini_framing import array, one_event, sse, whole
from backends.rehearsal.gemini_requests import GeminiPrompt, read, read_prompt
from backends.rehearsal.gemini_rules import call_signature, hold_to, rules_of, text_signature
from backends.rehearsal.incidents import OVERLOADED, google_error
from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    RequestRejected,
    ScriptedAnswerer,
    ToolInvocation,
    count,
    count_prompt,
    dice,
)
from backends.rehearsal.twin import Twin
from backends.rehearsal.usage_counts import ServedCall

SSE = "text/event-stream"
JSON = "application/json; charset=UTF-8"
NO_KEY = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)


class GeminiTwin(Twin):
    """Speaks Gemini; the script writes the text. A cap on the output holds for thinking and text together."""

    provider = "google"

    def __init__(
        self,
        behaviour: Behaviour = GEMINI,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep_bodies: bool = False,
    ) -> None:
        super().__init__(behaviour, sleep=sleep, keep_bodies=keep_bodies)
        self.script = ScriptedAnswerer()
        self.caches = Caches()
        self._prefixes: dict[str, None] = {}

    def reset(self) -> None:
        super().reset()
        self.caches = Caches()
        self._prefixes.clear()

    def routes(self) -> list[web.AbstractRouteDef]:
        version = "/{version:v1|v1beta|v1alpha}"
        return [
            web.get(version + "/models", self._models),
            web.get(version + "/models/{name}", self._model),
            web.post(version + "/models/{name}:generateContent", self._answer),
            web.post(version + "/models/{name}:streamGenerateContent", self._answer),
            web.post(version + "/models/{name}:countTokens", self._count),
            web.get(version + "/cachedContents", self._cache_list),
            web.post(version + "/cachedContents", self._cache_create),
            web.get(version + "/{name:cachedContents/[^/]+}", self._cache_get),
            web.patch(version + "/{name:cachedContents/[^/]+}", self._cache_extend),
            web.delete(version + "/{name:cachedContents/[^/]+}", self._cache_delete),
        ]

    def failure(self, status: int, body: dict[str, Any] | None = None) -> web.Response:
        return web.json_response(body or OVERLOADED, status=status)

    def error_frame(self, body: dict[str, Any] | None) -> bytes:
        return one_event(body or OVERLOADED)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        checked = self._checked(request, name)
        if isinstance(checked, web.Response):
            return checked
        served = self.behaviour.model(name)
        answering = (served.answered_by if served is not None else None) or name
        try:
            body = await _body(request)
            prompt = read_prompt(body)
            hold_to(body, rules_of(answering))
            kept = self.caches.find(prompt.cached_content) if prompt.cached_content else None
            if kept is not None:
                prompt = read_with(kept, name, body, prompt)
        except RequestRejected as error:
            return _refusal(400, "INVALID_ARGUMENT", str(error))
        tokens = count_prompt(prompt.ask)
        if tokens > checked.context:
            words = (
                f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({checked.context})."
            )
            return _refusal(400, "INVALID_ARGUMENT", words)
        if prompt.cached_content and kept is None:
            return _refusal(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)")
        stream = request.path.endswith(":streamGenerateContent")
        call = self.usage.begin("stream" if stream else "generate", checked.answered_by or name)
        call.cached = kept.tokens if kept else self._implicitly_cached(prompt)
        call.input = tokens
        fault = self.fault_for(request, "answer")

        def frames() -> AsyncGenerator[bytes]:
            events = altered(self._events(prompt, call, fault), fault)
            if not stream:
                return whole(events)
            return sse(events) if request.query.get("alt") == "sse" else array(events)

        kind = SSE if stream and request.query.get("alt") == "sse" else JSON
        return await self.serve(request, call, fault, frames, content_type=kind)

    async def _events(self, prompt: GeminiPrompt, call: ServedCall, fault: Fault | None) -> AsyncGenerator[Event]:
        responses = Responses(call, call.model)
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "blocked":
            self._settle(call)
            yield responses.blocked(fault.mode or "SAFETY")
            return
        cap = prompt.ask.max_tokens
        call.thinking = self._thoughts(prompt)
        if kind == "thought-cap" or (cap is not None and call.thinking >= cap):
            call.thinking = cap or 1_024
            self._settle(call)
            yield responses.candidate(finish="MAX_TOKENS")
            return
        if prompt.show_thoughts and call.thinking:
            yield responses.candidate([{"text": THOUGHT, "thought": True}])
        ask = msgspec.structs.replace(prompt.ask, max_tokens=None if cap is None else cap - call.thinking)
        async with aclosing(self.written(self.script.answer(ask), call)) as pieces:
            async for event in self._answer_events(responses, pieces, fault):
                yield event

    async def _answer_events(
        self, responses: Responses, pieces: AsyncGenerator[str | ToolInvocation | AnswerEnd], fault: Fault | None
    ) -> AsyncGenerator[Event]:
        """The answer's events. The newest part is held back, for Gemini sends its reason with the last text."""
        held: list[dict[str, Any]] = []
        number = calls = 0
        async for piece in pieces:
            if fault is not None and fault.kind == "finish" and number == (fault.after or 0):
                self._settle(responses.call)
                yield responses.candidate(finish=fault.mode or "SAFETY")
                return
            if isinstance(piece, AnswerEnd):
                self._settle(responses.call)
                if held and "text" in held[-1] and rules_of(responses.model).signatures:
                    held[-1] = held[-1] | {"thoughtSignature": text_signature(responses.call.id.encode())}
                yield responses.candidate(held, finish="STOP" if piece.finish == "stop" else "MAX_TOKENS")
                return
            if held:
                yield responses.candidate(held)
                number += 1
            calls += isinstance(piece, ToolInvocation)
            held = [_part(piece, responses.call, calls)]

    def _settle(self, call: ServedCall) -> None:
        self.override(call)
        self.usage.end(call, "finished")

    def _thoughts(self, prompt: GeminiPrompt) -> int:
        """Thinking tokens of one answer, within the caller's budget."""
        wanted = self.behaviour.thinking
        if wanted is None:
            throw = dice("thoughts" + prompt.ask.prompt)
            wanted = 40 + next(throw) + next(throw)
        return wanted if prompt.thinking_budget is None else min(wanted, prompt.thinking_budget)

    def _implicitly_cached(self, prompt: GeminiPrompt) -> int:
        """Tokens of a system instruction that was sent before and is long enough, as Gemini 2.5 caches by itself."""
        tokens = count(prompt.system)
        if tokens < LEAST_TOKENS:
            return 0
        known = prompt.system in self._prefixes
        self._prefixes[prompt.system] = None
        while len(self._prefixes) > 100:
            self._prefixes.pop(next(iter(self._prefixes)))
        return tokens if known else 0

    async def _count(self, request: web.Request) -> web.StreamResponse:
        checked = self._checked(request, request.match_info["name"])
        if isinstance(checked, web.Response):
            return checked
        try:
            body = await _body(request)
            tokens = count_prompt(read_prompt(read(body, "generateContentRequest", body)).ask)
        except RequestRejected as error:
            return _refusal(400, "INVALID_ARGUMENT", str(error))
        details = [{"modality": "TEXT", "tokenCount": tokens}]
        return await self.plain(request, "count", {"totalTokens": tokens, "promptTokensDetails": details})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if refusal := _keyless(request):
            return refusal
        models = [_card(model) for model in self.behaviour.models if not model.retired]
        return await self.plain(request, "list", {"models": models})

    async def _model(self, request: web.Request) -> web.StreamResponse:
        checked = self._checked(request, request.match_info["name"])
        return checked if isinstance(checked, web.Response) else await self.plain(request, "list", _card(checked))

    async def _cache_list(self, request: web.Request) -> web.StreamResponse:
        return _keyless(request) or await self.plain(request, "list", {"cachedContents": self.caches.list()})

    async def _cache_create(self, request: web.Request) -> web.StreamResponse:
        if refusal := _keyless(request):
            return refusal
        try:
            kept, stored_usd = self.caches.create(await _body(request))
        except RequestRejected as error:
            return _refusal(400, "INVALID_ARGUMENT", str(error))
        self._bill(kept, kept.tokens, stored_usd)
        return await self.plain(request, "list", kept.card)

    async def _cache_extend(self, request: web.Request) -> web.StreamResponse:
        if refusal := _keyless(request):
            return refusal
        try:
            extended = self.caches.extend(request.match_info["name"], await _body(request))
        except RequestRejected as error:
            return _refusal(400, "INVALID_ARGUMENT", str(error))
        if extended is None:
            return _no_cache()
        kept, stored_usd = extended
        self._bill(kept, 0, stored_usd)
        return await self.plain(request, "list", kept.card)

    def _bill(self, kept: KeptPrompt, written: int, stored_usd: Decimal) -> None:
        """Bill what is read into a cache as input, and its storage until it ends."""
        call = self.usage.begin("cache", kept.model)
        call.input, call.stored_usd = written, stored_usd
        self.usage.end(call, "finished")

    async def _cache_get(self, request: web.Request) -> web.StreamResponse:
        kept = self.caches.find(request.match_info["name"])
        if refusal := _keyless(request):
            return refusal
        return await self.plain(request, "list", kept.card) if kept else _no_cache()

    async def _cache_delete(self, request: web.Request) -> web.StreamResponse:
        if refusal := _keyless(request):
            return refusal
        return await self.plain(request, "list", {}) if self.caches.delete(request.match_info["name"]) else _no_cache()

    def _checked(self, request: web.Request, name: str) -> TwinModel | web.Response:
        """The model that is asked for, or why not."""
        if refusal := _keyless(request):
            return refusal
        model = self.behaviour.model(name)
        if model is None:
            words = (
                f"models/{name} is not found for API version {request.match_info['version']}, or is not supported for "
                "generateContent. Call ListModels to see the list of available models and their supported methods."
            )
            return _refusal(404, "NOT_FOUND", words)
        if model.retired:
            words = f"This model models/{name} is no longer available. Please update your code to use a newer model."
            return _refusal(404, "NOT_FOUND", words)
        return model


def _keyless(request: web.Request) -> web.Response | None:
    keyed = request.headers.get("x-goog-api-key") or request.query.get("key")
    return None if keyed else _refusal(403, "PERMISSION_DENIED", NO_KEY)


def _no_cache() -> web.Response:
    return _refusal(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)")


def _refusal(code: int, status: str, words: str) -> web.Response:
    return web.json_response(google_error(code, status, words), status=code)


def _card(model: TwinModel) -> dict[str, Any]:
    return {
        "name": f"models/{model.name}",
        "version": "001",
        "displayName": model.name.replace("-", " ").title(),
        "description": "A twin on this machine; nothing leaves it.",
        "inputTokenLimit": model.context,
        "outputTokenLimit": model.max_output,
        "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }


def _part(piece: str | ToolInvocation, call: ServedCall, number: int) -> dict[str, Any]:
    """A part of the answer; of several calls side by side only the first, `number` 1, bears a signature."""
    if isinstance(piece, str):
        return {"text": piece}
    called = {"id": f"{call.id}-{number}", "name": piece.name, "args": piece.arguments}
    signed = {"thoughtSignature": call_signature(piece.name, piece.arguments)} if number == 1 else {}
    return {"functionCall": called, **signed}


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.MsgspecError:
        raise RequestRejected("Invalid JSON payload received. Expected a JSON object.") from None
