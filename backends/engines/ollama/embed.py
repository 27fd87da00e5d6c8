"""Vectors of texts, from an embedding model of Ollama's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from backends.engines.call_scope import CallScope
from backends.engines.endpoint import Endpoint
from backends.errors import EngineError

if TYPE_CHECKING:
    from backends.engines.ollama import OllamaClient
    from backends.engines.ollama.sdk import OllamaSdk

EMBED_S = 30.0  # loading the model included


async def embed(
    sdk: OllamaSdk, endpoint: Endpoint, model: str, texts: Sequence[str], *, keep_alive: str
) -> list[list[float]]:
    """One vector for each text. Raises EngineError: "context" where a text is longer than the model's window."""
    from ollama import ResponseError

    from backends.engines.ollama.sdk import ollama_error

    async with CallScope(endpoint, first_byte_s=EMBED_S, idle_s=EMBED_S) as scope:
        try:
            answer = await scope.receive(sdk.embed(model, list(texts), truncate=False, keep_alive=keep_alive))
        except ResponseError as error:
            if error.status_code == 400 and "context length" in error.error:
                raise EngineError(f"a text is too long for {model}: shorten it", kind="context", status=400) from None
            raise ollama_error(error, model, endpoint) from None
    vectors = [list(vector) for vector in answer.embeddings]
    if len(vectors) != len(texts):
        raise endpoint.protocol_error(f"gave {len(vectors)} vectors for {len(texts)} texts")
    return vectors


def embed_texts(client: OllamaClient) -> Callable[[str, Sequence[str]], list[list[float]]]:
    """A blocking `embed` for a thread beside the running loop.

    It raises ConnectionError where the engine does not answer, and ValueError where a text is too long.
    """
    loop = asyncio.get_running_loop()

    def blocking(model: str, texts: Sequence[str]) -> list[list[float]]:
        try:
            return asyncio.run_coroutine_threadsafe(client.embed(model, texts), loop).result()
        except EngineError as error:
            raise (ValueError if error.kind == "context" else ConnectionError)(str(error)) from None

    return blocking
