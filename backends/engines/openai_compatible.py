"""Any local server that speaks OpenAI's chat completions, such as vLLM or llama-server, without an SDK."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import msgspec

from backends.engines.base import Call, EngineChunk, kept_back
from backends.engines.encoded import encoded
from backends.engines.foreign import one_line
from backends.engines.framing import Events
from backends.engines.openai_body import completion_body
from backends.engines.openai_reading import Reading, said
from backends.engines.peer import Peer
from backends.engines.scope import CallScope
from backends.engines.tool_reading import ToolReading
from backends.engines.transport import Transport
from backends.engines.window import refuse_overlong
from backends.errors import EngineError
from backends.settings.model import LocalEngine
from backends.types import EngineName


class OpenAICompatibleEngine:
    name: EngineName = "local"

    def __init__(self, settings: LocalEngine) -> None:
        self._settings = settings
        self._peer = openai_peer(settings)
        self._transport = Transport(self._peer, parallel=settings.parallel)
        self._client = httpx.AsyncClient(transport=self._transport, trust_env=False)

    async def prepare(self) -> None:
        """There is no SDK to import."""

    def ignores(self, call: Call) -> tuple[str, ...]:
        """As `Engine.ignores`. The server is sent all there is; none says which of it its model honours."""
        return ()

    async def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        """As `Engine.stream`. Raises EngineError "context" before anything is sent where the prompt does not fit, and
        "rejected" where it has a file that such servers do not take.
        """
        wire = kept_back(call)
        refuse_overlong(call, self._settings.context)
        body, notes = await encoded(call, lambda: completion_body(call))
        request = self._client.build_request(
            "POST",
            api_url(self._settings.base_url, "chat/completions"),
            content=body,
            headers={"content-type": "application/json", "accept": "text/event-stream"},
        )
        reading, events = Reading(call, self._peer), Events()
        tools = ToolReading(call, self._peer, notes=notes)
        async with CallScope(
            self._peer, first_byte_s=call.first_byte_s, idle_s=call.idle_s, framing=Events, wire=wire
        ) as scope:
            response = await scope.hear(self._client.send(request, stream=True))
            if response.status_code != 200:
                raise refusal(response.status_code, await scope.hear(response.aread()), call.model)
            pieces = response.aiter_raw()
            while (piece := await scope.hear(anext(pieces, None))) is not None:
                for event in events.feed(piece):
                    for chunk in reading.take(event):
                        for heard in tools.take(chunk):
                            yield heard
        for chunk in reading.ending():
            for heard in tools.take(chunk):
                yield heard
        for heard in tools.end(reading.end()):
            yield heard

    async def close(self) -> None:
        await self._transport.aclose()


def openai_peer(settings: LocalEngine) -> Peer:
    return Peer(
        base_url=settings.base_url,
        label="the local engine",
        remedy="start the server, or set engines.local.base_url",
        billed=False,
    )


def api_url(base_url: str, path: str) -> str:
    """`path` under `/v1`, whether or not the setting names it already."""
    root = base_url.rstrip("/").removesuffix("/v1")
    return f"{root}/v1/{path}"


def refusal(status: int, body: bytes, model: str) -> EngineError:
    """What an error answer means; vLLM and llama-server agree on the status, not on the words."""
    text = said(_decoded(body))
    match status:
        case 503 | 429:
            return EngineError(f"the local engine is full or loading ({text}): wait", kind="busy", status=status)
        case 404:
            return EngineError(
                f"the local engine has no model {one_line(model)} ({text}): set engines.local.model to one it serves",
                kind="model",
                status=status,
            )
        case 400 if "context" in text.lower():
            return EngineError(
                f"the prompt does not fit the local model ({text}): shorten it", kind="context", status=status
            )
        case _ if status >= 500:
            return EngineError(
                f"the local engine failed ({status}: {text}): look at its log", kind="unavailable", status=status
            )
        case _:
            return EngineError(
                f"the local engine refused the request ({status}: {text}): change it", kind="rejected", status=status
            )


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body.decode(errors="replace")
