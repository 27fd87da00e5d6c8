"""One chat completion, from its body to the last chunk."""

from collections.abc import AsyncGenerator

import httpx

from backends.engines.base import Call, EngineChunk, mark_unsent
from backends.engines.call_scope import CallScope
from backends.engines.context_window import refuse_overlong
from backends.engines.endpoint import Endpoint
from backends.engines.framing import SseEvents
from backends.engines.openai.completion_body import completion_body
from backends.engines.openai.completion_reading import CompletionReading
from backends.engines.openai.models import api_url
from backends.engines.openai.openai_errors import openai_error
from backends.engines.prompt_parts import encoded
from backends.engines.tool_reading import ToolReading
from backends.settings.engines import OpenAISettings


async def stream(
    call: Call, settings: OpenAISettings, endpoint: Endpoint, client: httpx.AsyncClient
) -> AsyncGenerator[EngineChunk]:
    """As `Engine.stream`."""
    wire = mark_unsent(call)
    refuse_overlong(call, settings.context)
    body, notes = await encoded(call, lambda: completion_body(call))
    request = client.build_request(
        "POST",
        api_url(endpoint.base_url, "chat/completions"),
        content=body,
        headers={"content-type": "application/json", "accept": "text/event-stream"},
    )
    reading, events = CompletionReading(call, endpoint), SseEvents()
    tools = ToolReading(call, endpoint, notes=notes)
    async with CallScope(
        endpoint, first_byte_s=call.first_byte_s, idle_s=call.idle_s, framing=SseEvents, wire=wire
    ) as scope:
        response = await scope.receive(client.send(request, stream=True))
        if response.status_code != 200:
            raise openai_error(response.status_code, await scope.receive(response.aread()), call.model)
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
        yield passed
