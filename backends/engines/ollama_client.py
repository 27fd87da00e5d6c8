"""Ollama's own async client, told to send a body as it is. Importing this imports the SDK."""

from collections.abc import AsyncIterator

from ollama import AsyncClient, ChatResponse


class ChatPart(ChatResponse):
    prompt_eval_cached_count: int | None = None
    """Tokens of the prompt that newer servers found in their cache; the SDK drops it."""


class OllamaClient(AsyncClient):
    async def chat_parts(self, body: bytes) -> AsyncIterator[ChatPart]:
        """The parts of one answer; nothing is sent before the first is awaited. `body` is JSON.

        `chat` would pass tools through types that drop what they do not know of a JSON schema, nested objects first.
        """
        json = {"Content-Type": "application/json"}
        return await self._request(ChatPart, "POST", "/api/chat", content=body, headers=json, stream=True)
