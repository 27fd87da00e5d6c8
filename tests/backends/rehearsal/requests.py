"""Short ways to ask a twin through its SDK."""

from collections.abc import AsyncIterator
from typing import Any

import ollama
from google.genai import types
from google.genai.client import AsyncClient

QWEN = "qwen2.5:14b"
FLASH = "gemini-3.5-flash-lite"
PROMPT = "List the steps to check a disk"


async def said(client: ollama.AsyncClient, text: str = PROMPT, **more: Any) -> list[ollama.ChatResponse]:
    """The whole stream of one chat."""
    return [part async for part in await stream(client, text, **more)]


async def stream(client: ollama.AsyncClient, text: str = PROMPT, **more: Any) -> AsyncIterator[ollama.ChatResponse]:
    found: AsyncIterator[ollama.ChatResponse] = await client.chat(
        QWEN, [{"role": "user", "content": text}], stream=True, **more
    )
    return found


async def generated(client: AsyncClient, text: str = PROMPT, **config: Any) -> list[types.GenerateContentResponse]:
    """The whole stream of one generateContent."""
    return [part async for part in await flow(client, text, **config)]


async def flow(client: AsyncClient, text: str = PROMPT, **config: Any) -> AsyncIterator[types.GenerateContentResponse]:
    return await client.models.generate_content_stream(
        model=FLASH, contents=text, config=types.GenerateContentConfig(**config)
    )


def text_of(parts: list[types.GenerateContentResponse]) -> str:
    return "".join(part.text or "" for part in parts)


def usage_of(part: types.GenerateContentResponse) -> tuple[int, int, int, int]:
    """Input, output, thinking and total tokens as the SDK read them."""
    found = part.usage_metadata
    assert found is not None
    return (
        found.prompt_token_count or 0,
        found.candidates_token_count or 0,
        found.thoughts_token_count or 0,
        found.total_token_count or 0,
    )
