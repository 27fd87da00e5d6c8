"""Ollama's HTTP API on loopback: chat, generate, embed and the rest, with models that load, reload and expire.

Field for field what ollama 0.6.3 reads and Ollama's own server writes. Durations are nanoseconds.
"""

import asyncio
import itertools
import math
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import msgspec
from aiohttp import web

from backends.rehearsal import ollama_models as shown
from backends.rehearsal.behaviour import OLLAMA, Behaviour, TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.kv_cache import KvCache
from backends.rehearsal.loaded_models import LoadedModels
from backends.rehearsal.ollama_checks import check_think
from backends.rehearsal.ollama_requests import OllamaPrompt, keep_alive, read_prompt
from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    Answerer,
    RequestRejected,
    ScriptedAnswerer,
    ToolInvocation,
    count,
    count_prompt,
    cut,
    dice,
)
from backends.rehearsal.tool_call_text import local_answer
from backends.rehearsal.twin import Twin
from backends.rehearsal.usage_counts import ServedCall

NDJSON = "application/x-ndjson"
REPORTED = {"no-input": ("eval_count",), "no-output": ("prompt_eval_count",)}
"""The counts that are still reported, by the mode of a fault in usage."""

TOO_LONG = "the input length exceeds the context length"
RUNAWAY_LINE = "and then the same again\n"


class OllamaTwin(Twin):
    """Speaks Ollama; `answerer` writes the text: a small real model, or the script."""

    def __init__(
        self,
        behaviour: Behaviour = OLLAMA,
        *,
        answerer: Answerer | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep_bodies: bool = False,
    ) -> None:
        super().__init__(behaviour, sleep=sleep, keep_bodies=keep_bodies)
        self.script = ScriptedAnswerer()
        self.answerer: Answerer = answerer or self.script
        self.loaded_models = LoadedModels()
        self._kv_cache = KvCache(behaviour.parallel)
        self._prefilling = asyncio.Lock()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self._root),
            web.get("/api/version", self._version),
            web.get("/api/tags", self._tags),
            web.get("/api/ps", self._ps),
            web.post("/api/show", self._show),
            web.post("/api/embed", self._embed),
            web.post("/api/chat", self._answer),
            web.post("/api/generate", self._answer),
        ]

    def failure(self, status: int, body: dict[str, Any] | None = None) -> web.Response:
        words = (
            "server busy, please try again.  maximum pending requests exceeded" if status == 503 else "internal error"
        )
        return web.json_response(body or {"error": words}, status=status)

    def error_frame(self, body: dict[str, Any] | None) -> bytes:
        return msgspec.json.encode(body or {"error": "an error was encountered while running the model"}) + b"\n"

    async def _root(self, _: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, request: web.Request) -> web.StreamResponse:
        return await self.plain(request, "list", {"version": shown.VERSION})

    async def _tags(self, request: web.Request) -> web.StreamResponse:
        return await self.plain(request, "list", {"models": [shown.tag(model) for model in self.behaviour.models]})

    async def _ps(self, request: web.Request) -> web.StreamResponse:
        loaded = self.loaded_models.now()
        models = [shown.process(resident, self.behaviour) for resident in loaded]
        return await self.plain(request, "list", {"models": models})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        name = str((body or {}).get("model") or (body or {}).get("name") or "")
        if (model := self._find(name)) is None:
            return web.json_response({"error": f"model '{name}' not found"}, status=404)
        return await self.plain(request, "list", shown.show(model))

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        if body is None:
            return web.json_response({"error": "missing request body"}, status=400)
        try:
            kept_s = keep_alive(body.get("keep_alive"))
        except RequestRejected as error:
            return web.json_response({"error": str(error)}, status=400)
        name, given = str(body.get("model", "")), body.get("input", "")
        if (model := self._find(name)) is None:
            return web.json_response({"error": f'model "{name}" not found, try pulling it first'}, status=404)
        texts = [str(text) for text in (given if isinstance(given, list) else [given])]
        if body.get("truncate") is False and any(count(text) > model.context for text in texts):
            return web.json_response({"error": TOO_LONG}, status=400)
        call = self.usage.begin("embed", name)
        call.input = sum(count(text) for text in texts)
        fault = self.fault_for(request, "embed")

        async def frames() -> AsyncGenerator[bytes]:
            began = time.monotonic_ns()
            load = await self._load(model, 2_048, kept_s)
            self.usage.end(call, "finished")
            yield msgspec.json.encode(
                {
                    "model": name,
                    "embeddings": [_vector(text) for text in texts],
                    "total_duration": time.monotonic_ns() - began,
                    "load_duration": load,
                    "prompt_eval_count": call.input,
                }
            )

        return await self.serve(request, call, fault, frames, content_type="application/json")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        chat = request.path == "/api/chat"
        body = await _body(request)
        if body is None:
            return web.json_response({"error": "missing request body"}, status=400)
        try:
            prompt = read_prompt(body, chat=chat)
        except RequestRejected as error:
            return web.json_response({"error": str(error)}, status=error.status)
        model = self._find(prompt.model)
        if model is None:
            return web.json_response({"error": f"model '{prompt.model}' not found"}, status=404)
        if prompt.ask.tools and "tools" not in model.capabilities:
            return web.json_response({"error": f"{prompt.model} does not support tools"}, status=400)
        try:
            check_think(prompt.think, prompt.model, model.capabilities)
            self._check_length(prompt, model)
        except RequestRejected as error:
            return web.json_response({"error": str(error)}, status=error.status)
        call = self.usage.begin("chat" if chat else "generate", prompt.model)
        fault = self.fault_for(request, "answer")

        def frames() -> AsyncGenerator[bytes]:
            events = self._events(prompt, model, call, fault)
            return _lines(events) if prompt.stream else _whole(events, chat)

        kind = NDJSON if prompt.stream else "application/json; charset=utf-8"
        return await self.serve(request, call, fault, frames, content_type=kind)

    async def _events(
        self, prompt: OllamaPrompt, model: TwinModel, call: ServedCall, fault: Fault | None
    ) -> AsyncGenerator[dict[str, Any]]:
        began = time.monotonic_ns()
        if prompt.empty:
            if prompt.keep_alive_s != 0:
                await self._load(model, prompt.num_ctx, prompt.keep_alive_s)
            self.loaded_models.used(model.name, prompt.keep_alive_s)
            self.usage.end(call, "finished")
            yield prompt.event("", done=True) | {"done_reason": "load" if prompt.keep_alive_s else "unload"}
            return
        load = await self._load(model, prompt.num_ctx, prompt.keep_alive_s)
        source, cut = self._source(prompt, model, call, fault)
        cached = 0 if cut else min(self._kv_cache.read(model.name, prompt.ask), call.input)
        call.cached = cached if self.behaviour.tells_cached else 0
        prefill = await self._prefill(call.input - cached)
        first, finish = 0, "stop"
        async with aclosing(self.written(source, call)) as pieces:
            async for piece in pieces:
                first = first or time.monotonic_ns()
                if isinstance(piece, AnswerEnd):
                    finish = piece.finish
                    call.input = call.input if cut else piece.input
                else:
                    yield prompt.tool_event(piece) if isinstance(piece, ToolInvocation) else prompt.event(piece)
        self.override(call)
        self.usage.end(call, "finished")
        self.loaded_models.used(model.name, prompt.keep_alive_s)
        now = time.monotonic_ns()
        counts = {"prompt_eval_count": call.input, "eval_count": call.output}
        if self.behaviour.tells_cached:
            counts["prompt_eval_cached_count"] = call.cached
        if fault is not None and fault.kind == "usage":
            counts = {key: counts[key] for key in REPORTED.get(fault.mode, ())}
        durations = {
            "total_duration": now - began,
            "load_duration": load,
            "prompt_eval_duration": prefill or max(first - began - load, 1),
            "eval_duration": max(now - first, 1),
        }
        yield prompt.event("", done=True) | {"done_reason": finish} | durations | counts

    def _check_length(self, prompt: OllamaPrompt, model: TwinModel) -> None:
        """Refuse a prompt that is longer than the window and may not be cut."""
        if prompt.truncate or self.behaviour.cuts_prompts:
            return
        if count_prompt(prompt.ask) > min(prompt.num_ctx, model.context):
            raise RequestRejected(TOO_LONG)

    def _source(
        self, prompt: OllamaPrompt, model: TwinModel, call: ServedCall, fault: Fault | None
    ) -> tuple[AsyncGenerator[str | ToolInvocation | AnswerEnd], bool]:
        """Who writes the answer, and whether the prompt was cut to the window, as Ollama cuts it."""
        counted = count_prompt(prompt.ask)
        window = min(prompt.num_ctx, model.context)
        cut = counted > window
        call.input = window // 2 + 2 if cut else counted
        if fault is not None and fault.kind == "runaway":
            return _runaway(prompt.ask.max_tokens, call.input), cut
        if prompt.ask.tools and self.answerer is self.script:
            return local_answer(prompt.ask, self.behaviour.calling), cut
        writer = self.script if prompt.ask.tools or cut else self.answerer
        return writer.answer(prompt.ask), cut

    async def _prefill(self, tokens: int) -> int:
        """Read so many tokens of a prompt, after those that came before; the nanoseconds for it, 0 without a rate."""
        rate = self.behaviour.prefill_tokens_per_s
        if rate is None:
            return 0
        async with self._prefilling:
            await self.sleep(tokens / rate)
        return round(tokens / rate * 1e9)

    async def _load(self, model: TwinModel, window: int, keep_alive_s: float) -> int:
        """Load the model unless it is there with this window; returns the nanoseconds it took."""
        began = time.monotonic_ns()
        window = min(window, model.context)
        if not self.loaded_models.holds(model.name, window):
            self.usage.loads += 1
            self.loaded_models.unload(model.name)
            self._kv_cache.forget(model.name)
            await self.sleep(self.behaviour.load_s)
            self.loaded_models.load(model.name, window, keep_alive_s)
        return time.monotonic_ns() - began

    def _find(self, name: str) -> TwinModel | None:
        """A model by its name; one without a tag means `latest`, as in Ollama."""
        return self.behaviour.model(name) or self.behaviour.model(f"{name}:latest")


async def _body(request: web.Request) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.MsgspecError:
        return None


async def _lines(events: AsyncGenerator[dict[str, Any]]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for event in events:
            yield msgspec.json.encode(event) + b"\n"


async def _whole(events: AsyncGenerator[dict[str, Any]], chat: bool) -> AsyncGenerator[bytes]:
    """The stream's events folded into the one object of `"stream": false`."""
    texts: list[str] = []
    calls: list[Any] = []
    last: dict[str, Any] = {}
    async with aclosing(events):
        async for last in events:
            texts.append(last["message"]["content"] if chat else last["response"])
            calls += last["message"].get("tool_calls", []) if chat else []
    if chat:
        last["message"] = {"role": "assistant", "content": "".join(texts)} | ({"tool_calls": calls} if calls else {})
    else:
        last["response"] = "".join(texts)
    yield msgspec.json.encode(last)


async def _runaway(cap: int | None, spent: int) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
    tokens = cut(RUNAWAY_LINE)
    for number in itertools.count() if cap is None else range(cap):
        yield tokens[number % len(tokens)]
        await asyncio.sleep(0)
    yield AnswerEnd(input=spent, output=cap or 0, finish="length")


def _vector(text: str) -> list[float]:
    """A unit vector of 384 numbers that depends only on the words: texts that share words have similar vectors."""
    numbers = [0.0] * 384
    for word in re.findall(r"\w+", text.lower()) or [text]:
        numbers = [number + next_ - 127.5 for number, next_ in zip(numbers, dice(word), strict=False)]
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]
