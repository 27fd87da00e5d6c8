"""Ollama, through its own client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from backends.engines.base import Call, EngineChunk, Finished, Text, ToolCalls, Usage, kept_back
from backends.engines.confidence import Confidence
from backends.engines.encoded import encoded
from backends.engines.foreign import one_line
from backends.engines.framing import Lines
from backends.engines.late import Late
from backends.engines.ollama_body import chat_body, ignored
from backends.engines.peer import Peer
from backends.engines.plain_text import as_json
from backends.engines.scope import CallScope
from backends.engines.tool_reading import ToolReading
from backends.engines.transport import Transport
from backends.engines.window import refuse_overlong, was_cut
from backends.errors import EngineError
from backends.settings.model import LocalEngine
from backends.types import EngineName, Tokens, ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ollama import ResponseError

    from backends.engines.ollama_client import ChatPart, OllamaClient


class OllamaEngine:
    """`qwen2.5:14b` or any model that Ollama has. Every call has the same `num_ctx`: another reloads the model."""

    name: EngineName = "local"

    def __init__(self, settings: LocalEngine) -> None:
        self._settings = settings
        self._peer = ollama_peer(settings)
        self._transport = Transport(self._peer, parallel=settings.parallel)
        self._client = Late(self._connect)

    async def prepare(self) -> None:
        """Import the client ahead of the first call; it takes 0.2 s."""
        await self._client.get()

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`."""
        return ignored(call)

    async def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Raises EngineError "context" before anything is sent where the prompt does not fit, and
        "rejected" where it has a file that Ollama does not take.
        """
        wire = kept_back(call)
        refuse_overlong(call, self._settings.context)
        body, notes = await encoded(call, lambda: chat_body(call, self._settings))
        client = await self._client.get()
        reading, tools = _Reading(call, self._peer), ToolReading(call, self._peer, notes=notes)
        async with CallScope(
            self._peer, first_byte_s=call.first_byte_s, idle_s=call.idle_s, framing=Lines, wire=wire
        ) as scope:
            parts = await client.chat_parts(body)
            while (part := await self._next(scope, parts, call)) is not None:
                for chunk in reading.take(part):
                    for heard in tools.take(chunk):
                        yield heard
        for heard in tools.end(reading.end()):
            yield heard

    async def close(self) -> None:
        await self._transport.aclose()

    async def _next(self, scope: CallScope, parts: AsyncIterator[ChatPart], call: Call) -> ChatPart | None:
        from ollama import ResponseError

        try:
            return await scope.hear(anext(parts, None))
        except ResponseError as error:
            raise refusal(error, call.model, self._settings) from None

    def _connect(self) -> OllamaClient:
        from backends.engines.ollama_client import OllamaClient

        return OllamaClient(host=self._settings.base_url, transport=self._transport, follow_redirects=False)


def ollama_peer(settings: LocalEngine) -> Peer:
    return Peer(
        base_url=settings.base_url,
        label="Ollama",
        remedy="start it with `ollama serve`, or set engines.local.base_url",
        billed=False,
    )


def refusal(error: ResponseError, model: str, settings: LocalEngine) -> EngineError:  # noqa: PLR0911 — a table of causes
    """What Ollama's own error means. A status of -1 is an error line in the middle of an answer."""
    text, status = one_line(error.error), error.status_code
    match status:
        case 503 | 429:
            return EngineError("Ollama is full: wait, or lower the traffic", kind="busy", status=status)
        case 404:
            return EngineError(
                f"Ollama has no model {one_line(model)}: run `ollama pull {one_line(model)}`",
                kind="model",
                status=status,
            )
        case 400 if "context" in text or "exceed" in text:
            return EngineError(
                f"This model's maximum context length is {settings.context} tokens, and Ollama says that the prompt"
                f" does not fit ({text}): shorten it, or raise engines.local.context",
                kind="context",
                status=status,
            )
        case _ if "parsing tool call" in text:
            return EngineError(
                f"the model wrote a tool call that Ollama cannot read ({text}): ask again, or ask another model",
                kind="empty",
                status=status if status > 0 else None,
            )
        case _ if status >= 500 and "image" in text and ("format" in text or "process" in text or "decode" in text):
            return EngineError(
                f"Ollama cannot read an image of the prompt ({text}): send it as png or jpeg",
                kind="rejected",
                status=status,
            )
        case -1:
            return EngineError(f"Ollama broke off ({text}): the answer is incomplete, ask again", kind="cut")
        case _ if status >= 500:
            return EngineError(f"Ollama failed ({status}: {text}): look at its log", kind="unavailable", status=status)
        case _:
            return EngineError(
                f"Ollama refused the request ({status}: {text}): change it", kind="rejected", status=status
            )


class _Reading:
    """From Ollama's parts to chunks; knows at the end whether it was one."""

    def __init__(self, call: Call, peer: Peer) -> None:
        self._call = call
        self._peer = peer
        self._tools = 0
        self._last: ChatPart | None = None
        self._confidence = Confidence()

    def take(self, part: ChatPart) -> list[EngineChunk]:
        chunks: list[EngineChunk] = []
        if part.message.content:
            chunks.append(Text(part.message.content))
        if part.message.tool_calls:
            chunks.append(ToolCalls(tuple(map(self._tool_call, part.message.tool_calls))))
        for token in part.logprobs or ():
            self._confidence.heard(token.logprob)
        if part.done:
            self._last = part
            chunks += _usage(part)
        return chunks

    def end(self) -> Finished:
        """The stream is over. Raises EngineError "cut" where it was not finished."""
        last = self._last
        if last is None:
            raise self._peer.broken("ended its answer without saying so")
        if last.done_reason not in (None, "stop", "length", "tool_calls"):
            raise self._peer.broken(f"ended for another reason than an answer ({one_line(last.done_reason)})")
        return Finished(
            finish="length" if last.done_reason == "length" else "stop",
            context_cut=was_cut(self._call, last.prompt_eval_count),
            load_s=last.load_duration / 1e9 if last.load_duration is not None else None,
            confidence=self._confidence.mean,
        )

    def _tool_call(self, call: Any) -> ToolCall:
        self._tools += 1
        return ToolCall(
            id=f"call_{self._call.id}_{self._tools}",
            name=call.function.name,
            arguments=as_json(call.function.arguments).decode(),
        )


def _usage(part: ChatPart) -> list[EngineChunk]:
    """What the last line tells of its counts; Ollama leaves out what is 0, and a prompt that it had in its cache."""
    seen, made = part.prompt_eval_count, part.eval_count
    if seen is None and made is None:
        return []
    cached = min(part.prompt_eval_cached_count or 0, seen or 0)
    tokens = Tokens(input=seen or 0, output=made or 0, cached_input=max(cached, 0))
    return [Usage(tokens)]
