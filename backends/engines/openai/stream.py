"""One chat completion, from its body to the last chunk."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
from msgspec.structs import replace

from backends.engines.api_key import ApiKey
from backends.engines.base import Call, EngineChunk, Finished, SendState, mark_unsent
from backends.engines.call_scope import CallScope
from backends.engines.context_window import refuse_overlong
from backends.engines.endpoint import Endpoint
from backends.engines.framing import SseEvents
from backends.engines.openai.completion_body import RENAMED, completion_body, without_parameters
from backends.engines.openai.completion_reading import CompletionReading
from backends.engines.openai.models import api_url, key_headers
from backends.engines.openai.openai_errors import (
    Answered,
    Refusal,
    decoded,
    error_message,
    openai_error,
    refused_parameter,
)
from backends.engines.prompt_parts import encoded
from backends.engines.tool_reading import ToolReading

MOST_REFUSALS = 4
"""How many parameters a model may refuse, one after the other, before its refusal is passed on."""


RefusedParameters = dict[str, set[str]]
"""By model: the parameters that it refused, which are left out of later calls."""


async def stream(
    call: Call,
    context: int,
    endpoint: Endpoint,
    client: httpx.AsyncClient,
    *,
    key: ApiKey | None,
    refused: RefusedParameters,
) -> AsyncGenerator[EngineChunk]:
    """As `Engine.stream`, with a window of `context` tokens.

    A call that is refused for a parameter that the model does not take is sent again without it; the refusal costs
    nothing and is remembered.
    """
    send_state = mark_unsent(call)
    headers = {"content-type": "application/json", "accept": "text/event-stream"} | key_headers(key)
    refuse_overlong(call, context, endpoint)
    for _ in range(MOST_REFUSALS + 1):
        left_out = refused.get(call.model, set())
        request = _CompletionRequest(call, endpoint, send_state, headers, frozenset(left_out))
        try:
            async with aclosing(request.chunks(client)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Refusal as refusal:
            parameter = refused_parameter(refusal.answered)
            if parameter and parameter not in left_out and len(left_out) < MOST_REFUSALS:
                refused.setdefault(call.model, set()).add(parameter)
            elif refusal.answered.is_moderation:
                yield Finished(finish="blocked", reason=error_message(refusal.answered.body))
                return
            else:
                raise openai_error(refusal.answered, model=call.model, endpoint=endpoint, key=key) from None
        else:
            return


class _CompletionRequest:
    """One request for a call, without the parameters in `left_out`."""

    def __init__(
        self, call: Call, endpoint: Endpoint, send_state: SendState, headers: dict[str, str], left_out: frozenset[str]
    ) -> None:
        self._call = call
        self._endpoint = endpoint
        self._send_state = send_state
        self._headers = headers
        self._left_out = left_out

    async def chunks(self, client: httpx.AsyncClient) -> AsyncGenerator[EngineChunk]:
        """Raises Refusal for an error answer, also one that comes as the first event of a stream."""
        call, endpoint = self._call, self._endpoint
        body, notes = await encoded(call, lambda: without_parameters(completion_body(call, endpoint), self._left_out))
        http_request = client.build_request(
            "POST", api_url(endpoint.base_url, "chat/completions"), content=body, headers=self._headers
        )
        reading, events = CompletionReading(call, endpoint), SseEvents()
        tools = ToolReading(call, endpoint, notes=notes)
        async with CallScope(
            endpoint, first_byte_s=call.first_byte_s, idle_s=call.idle_s, framing=SseEvents, send_state=self._send_state
        ) as scope:
            response = await scope.receive(client.send(http_request, stream=True))
            if response.status_code != 200:
                error = decoded(await scope.receive(response.aread()))
                raise Refusal(Answered(response.status_code, error, response.headers))
            pieces = response.aiter_raw()
            while (piece := await scope.receive(anext(pieces, None))) is not None:
                for event in events.feed(piece):
                    for chunk in reading.feed(event):
                        for passed in tools.feed(chunk):
                            yield passed
        for chunk in reading.tool_calls():
            for passed in tools.feed(chunk):
                yield passed
        for passed in tools.finish(reading.finish()):
            yield replace(passed, notes=(*passed.notes, *self._notes())) if isinstance(passed, Finished) else passed

    def _notes(self) -> tuple[str, ...]:
        names = ", ".join(sorted(self._left_out - RENAMED.keys()))
        return (f"{names}: left out, the model does not take it",) if names else ()
