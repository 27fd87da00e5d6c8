"""An OpenAI-compatible server on loopback, such as vLLM or llama-server, with all their variants of a stream.

Source: https://platform.openai.com/docs/api-reference/chat/streaming, and reports on servers that read it otherwise.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import msgspec
from aiohttp import web
from msgspec.structs import replace

from backends.rehearsal.behaviour import OPENAI, Behaviour, Deltas
from backends.rehearsal.faults import Fault
from backends.rehearsal.openai_requests import EFFORTS, OpenAIPrompt, read_prompt
from backends.rehearsal.scripted_answers import AnswerEnd, Answerer, RequestRejected, ScriptedAnswerer, ToolInvocation
from backends.rehearsal.tool_call_text import local_answer
from backends.rehearsal.twin import Twin
from backends.rehearsal.usage_counts import ServedCall

REPORTED = {"no-input": ("completion_tokens",), "no-output": ("prompt_tokens",)}
THOUGHT = "The user wants an answer. "


class OpenAITwin(Twin):
    """Speaks OpenAI's chat completions; `script` writes the text, `Behaviour.deltas` says in which form it is sent."""

    efforts: tuple[str, ...] = EFFORTS

    def __init__(
        self,
        behaviour: Behaviour = OPENAI,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep_bodies: bool = False,
    ) -> None:
        super().__init__(behaviour, sleep=sleep, keep_bodies=keep_bodies)
        self.script: Answerer = ScriptedAnswerer()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/v1/models", self._models), web.post("/v1/chat/completions", self._answer)]

    def incident(self, name: str) -> None:
        """As `Twin.incident`, in this server's own words: the incidents' are Google's and Ollama's."""
        super().incident(name)
        faults = tuple(replace(fault, body=None) for fault in self.behaviour.faults)
        self.behaviour = replace(self.behaviour, faults=faults)

    def failure(self, status: int, body: dict[str, Any] | None = None) -> web.Response:
        error = {"message": "the server cannot answer now", "type": "server_error", "code": status}
        return web.json_response(body or {"error": error}, status=status)

    def error_frame(self, body: dict[str, Any] | None) -> bytes:
        return event(body or {"error": {"message": "the engine died", "type": "server_error"}})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        models = [{"id": model.name, "object": "model"} for model in self.behaviour.models]
        return await self.plain(request, "list", {"object": "list", "data": models})

    def refusal(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        """What this kind of server refuses beside what `read_prompt` does; None lets the request go on."""
        return None

    def no_model(self, name: str) -> web.Response:
        return web.json_response({"error": {"message": f"no model {name}"}}, status=404)

    def opening(self, call: ServedCall) -> list[bytes]:
        """The frames of a stream before those of the answer."""
        return [chunk({"reasoning_content": THOUGHT})] if self.behaviour.deltas == "reasoning" else []

    def reported_usage(self, call: ServedCall) -> dict[str, Any]:
        """The counts as this kind of server reports them."""
        return {"prompt_tokens": call.input, "completion_tokens": call.output}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, Any])
            if refused := self.refusal(request, body):
                return refused
            prompt = read_prompt(body, efforts=self.efforts)
        except (RequestRejected, msgspec.MsgspecError) as error:
            return web.json_response({"error": {"message": str(error), "type": "BadRequestError"}}, status=400)
        if (model := self.behaviour.model(prompt.model)) is None or model.retired:
            return self.no_model(prompt.model)
        call = self.usage.begin("chat", model.answered_by or prompt.model)
        fault = self.fault_for(request, "answer")
        whole = not prompt.stream or self.behaviour.deltas == "whole"
        kind = "application/json" if whole else "text/event-stream"
        return await self.serve(request, call, fault, lambda: self._frames(prompt, call, fault), content_type=kind)

    async def _frames(self, prompt: OpenAIPrompt, call: ServedCall, fault: Fault | None) -> AsyncGenerator[bytes]:
        deltas, pieces = self.behaviour.deltas, self.script.answer(prompt.ask)
        if isinstance(self.script, ScriptedAnswerer) and prompt.ask.tools:
            pieces = local_answer(prompt.ask, self.behaviour.calling)
        said: list[str] = []
        calls: list[ToolInvocation] = []
        finish = "stop"
        whole = not prompt.stream or deltas == "whole"
        for frame in () if whole else self.opening(call):
            yield frame
        async with aclosing(self.written(pieces, call)) as written:
            async for piece in written:
                if isinstance(piece, AnswerEnd):
                    call.input, finish = piece.input, piece.finish
                elif isinstance(piece, ToolInvocation):
                    calls.append(piece)
                else:
                    said.append(piece)
                    if not whole:
                        yield chunk(_content(piece, deltas))
        self.override(call)
        self.usage.end(call, "finished")
        usage = self.reported_usage(call)
        if fault is not None and fault.kind == "usage":
            usage = {key: usage[key] for key in REPORTED.get(fault.mode, ())}
        reason = "tool_calls" if calls and deltas != "late-calls" else finish
        if whole:
            message = {"role": "assistant", "content": "".join(said) or None, "tool_calls": _whole_calls(calls)}
            choice = {"index": 0, "message": message, "finish_reason": reason}
            whole_answer = {"object": "chat.completion", "model": call.model, "choices": [choice], "usage": usage}
            yield msgspec.json.encode(whole_answer)
            return
        written_calls = [chunk(delta) for delta in _call_deltas(calls, deltas)]
        end = chunk({}, reason, nulls=deltas == "nulls")
        for frame in (end, *written_calls) if deltas == "late-calls" else (*written_calls, end):
            yield frame
        if prompt.usage and usage:
            yield event({"choices": None if deltas == "nulls" else [], "usage": usage})
        yield b"data: [DONE]\n\n"


def _content(piece: str, deltas: Deltas) -> dict[str, Any]:
    match deltas:
        case "parts":
            return {"content": [{"type": "text", "text": piece}]}
        case "refusal":
            return {"content": None, "refusal": piece}
        case "nulls":
            return {"content": piece, "tool_calls": None, "function_call": None, "refusal": None}
    return {"content": piece}


def _call_deltas(calls: list[ToolInvocation], deltas: Deltas) -> list[dict[str, Any]]:
    """Each call as its name, and its arguments in two pieces."""
    found: list[dict[str, Any]] = []
    for number, called in enumerate(calls):
        text = msgspec.json.encode(called.arguments).decode()
        if deltas == "legacy":
            found += [{"function_call": {"name": called.name, "arguments": ""}}, {"function_call": {"arguments": text}}]
            continue
        named = deltas not in ("no-id",)
        head: dict[str, Any] = {"type": "function", "function": {"name": called.name, "arguments": ""}}
        if named:
            head["id"] = f"chatcmpl-tool-{number}"
        tails: list[dict[str, Any]] = [
            {"function": {"arguments": part}} for part in (text[: len(text) // 2], text[len(text) // 2 :])
        ]
        for piece in (head, *tails):
            if deltas == "same-index":
                piece |= {"index": 0, "id": f"chatcmpl-tool-{number}"}
            elif deltas == "nulls":
                piece |= {"index": number, "id": piece.get("id"), "type": None}
            elif deltas not in ("no-index", "no-id"):
                piece["index"] = number
            found.append({"tool_calls": [piece], **({"content": None} if deltas == "nulls" else {})})
    return found


def _whole_calls(calls: list[ToolInvocation]) -> list[dict[str, Any]] | None:
    return [
        {
            "id": f"chatcmpl-tool-{number}",
            "type": "function",
            "function": {"name": called.name, "arguments": msgspec.json.encode(called.arguments).decode()},
        }
        for number, called in enumerate(calls)
    ] or None


def chunk(delta: dict[str, Any], finish: str | None = None, *, nulls: bool = False) -> bytes:
    """One chunk of a stream as an event."""
    choice = {"index": 0, "delta": None if nulls else delta, "finish_reason": finish, "logprobs": None}
    return event({"object": "chat.completion.chunk", "choices": [choice], "usage": None})


def event(value: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
