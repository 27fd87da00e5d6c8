"""Ollama's own async client, told to send a body as it is. Importing this imports the SDK."""

from collections.abc import AsyncIterator
from typing import Any

from ollama import AsyncClient, ChatResponse


class OllamaClient(AsyncClient):
    async def chat_parts(self, body: dict[str, Any]) -> AsyncIterator[ChatResponse]:
        """The parts of one answer; nothing is sent before the first is awaited.

        `chat` would pass tools through types that drop what they do not know of a JSON schema, nested objects first.
        """
        return await self._request(ChatResponse, "POST", "/api/chat", json=body, stream=True)
