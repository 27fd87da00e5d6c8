"""One chat call to Ollama, from its body to the last chunk."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from backends.engines.base import Call, EngineChunk, Finished, Text, ToolCalls, Usage, mark_unsent
from backends.engines.call_scope import CallScope
from backends.engines.context_window import refuse_overlong, was_cut
from backends.engines.endpoint import Endpoint
from backends.engines.framing import NdjsonLines
from backends.engines.ollama.chat_body import chat_body
from backends.engines.ollama.windows import Windows
from backends.engines.plain_text import as_json
from backends.engines.prompt_parts import encoded
from backends.engines.token_confidence import Confidence
from backends.engines.tool_reading import ToolReading
from backends.engines.untrusted_text import one_line
from backends.lazy import Lazy
from backends.settings.engines import OllamaSettings
from backends.types import Tokens, ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from backends.engines.ollama.sdk import ChatPart, OllamaSdk


async def stream(
    call: Call, settings: OllamaSettings, windows: Windows, endpoint: Endpoint, sdk: Lazy[OllamaSdk]
) -> AsyncGenerator[EngineChunk]:
    """As `Engine.stream`. Nothing is sent before the window is known: another one would load the model anew."""
    send_state = mark_unsent(call)
    context = (await windows.learn(call.model)).tokens
    refuse_overlong(call, context, endpoint)
    body, notes = await encoded(call, lambda: chat_body(call, settings, context))
    client = await sdk.get()
    reading, tools = ChatReading(call, endpoint), ToolReading(call, endpoint, notes=notes)
    async with CallScope(
        endpoint, first_byte_s=call.first_byte_s, idle_s=call.idle_s, framing=NdjsonLines, send_state=send_state
    ) as scope:
        parts = await client.chat_parts(body)
        while (part := await _next_part(scope, parts, call.model, context)) is not None:
            for chunk in reading.feed(part):
                for passed in tools.feed(chunk):
                    yield passed
    for passed in tools.finish(reading.finish()):
        yield passed


async def _next_part(scope: CallScope, parts: AsyncIterator[ChatPart], model: str, context: int) -> ChatPart | None:
    from ollama import ResponseError

    from backends.engines.ollama.sdk import ollama_error

    try:
        return await scope.receive(anext(parts, None))
    except ResponseError as error:
        raise ollama_error(error, model, scope.endpoint, context) from None


class ChatReading:
    """Turns Ollama's parts into chunks, and knows at the end whether they were a whole answer."""

    def __init__(self, call: Call, endpoint: Endpoint) -> None:
        self._call = call
        self._endpoint = endpoint
        self._tools = 0
        self._last: ChatPart | None = None
        self._confidence = Confidence()

    def feed(self, part: ChatPart) -> list[EngineChunk]:
        if self._last is not None:
            return []  # nothing belongs to the answer behind its last line, which a proxy may send twice
        chunks: list[EngineChunk] = []
        if part.message.content:
            chunks.append(Text(part.message.content))
        if part.message.tool_calls:
            chunks.append(ToolCalls(tuple(map(self._tool_call, part.message.tool_calls))))
        for token in part.logprobs or ():
            self._confidence.add(token.logprob)
        if part.done:
            self._last = part
            chunks += _usage(part)
        return chunks

    def finish(self) -> Finished:
        """The stream is over. Raises EngineError "cut" where it was not finished."""
        last = self._last
        if last is None:
            raise self._endpoint.cut_off("ended its answer without saying so")
        if last.done_reason not in (None, "stop", "length", "tool_calls"):
            raise self._endpoint.cut_off(f"ended for another reason than an answer ({one_line(last.done_reason)})")
        return Finished(
            finish="length" if last.done_reason == "length" else "stop",
            context_cut=was_cut(self._call, last.prompt_eval_count),
            load_s=_seconds(last.load_duration),
            prefill_s=_seconds(last.prompt_eval_duration),
            confidence=self._confidence.mean,
        )

    def _tool_call(self, call: Any) -> ToolCall:
        self._tools += 1
        return ToolCall(
            id=f"call_{self._call.id}_{self._tools}",
            name=call.function.name,
            arguments=as_json(call.function.arguments).decode(),
        )


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9


def _usage(part: ChatPart) -> list[EngineChunk]:
    """The counts of the last line. Ollama leaves out those that are 0, and a prompt that was in its cache."""
    seen, made = part.prompt_eval_count, part.eval_count
    if seen is None and made is None:
        return []
    cached = min(part.prompt_eval_cached_count or 0, seen or 0)
    tokens = Tokens(input=seen or 0, output=made or 0, cached_input=max(cached, 0))
    return [Usage(tokens, cached_known=part.prompt_eval_cached_count is not None)]
