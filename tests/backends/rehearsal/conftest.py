"""Both twins and the SDKs that talk to them."""

from collections.abc import AsyncIterator

import httpx
import ollama
import pytest
from google import genai
from google.genai.client import AsyncClient

from backends.rehearsal.process import Twins, twins


@pytest.fixture
async def pair() -> AsyncIterator[Twins]:
    async with twins() as found:
        yield found


@pytest.fixture
async def local(pair: Twins) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(host=pair.ollama.url) as client:
        yield client


@pytest.fixture
async def cloud(pair: Twins) -> AsyncIterator[AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as http:  # with its own aiohttp session the SDK warns
        options = genai.types.HttpOptions(base_url=pair.gemini.url, httpx_async_client=http)
        yield genai.Client(api_key="any word", http_options=options).aio
