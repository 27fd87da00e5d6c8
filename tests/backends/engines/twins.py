"""Both twins, and the real engines that talk to them, as fixtures for whoever imports them."""

from collections.abc import AsyncIterator

import genai_prices  # noqa: F401 — read here, for the twin's first bill would read it on the guarded loop
import pytest

from backends.engines.gemini import GeminiClient
from backends.engines.ollama import OllamaClient
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.settings.engines import GeminiSettings
from tests.backends.engines.rig import KEY, local_settings


@pytest.fixture
async def ollama_twin() -> AsyncIterator[OllamaTwin]:
    twin = OllamaTwin(keep_bodies=True)
    await twin.start()
    yield twin
    await twin.close()


@pytest.fixture
async def gemini_twin() -> AsyncIterator[GeminiTwin]:
    twin = GeminiTwin(keep_bodies=True)
    await twin.start()
    yield twin
    await twin.close()


@pytest.fixture
async def ollama(ollama_twin: OllamaTwin) -> AsyncIterator[OllamaClient]:
    engine = OllamaClient("local", local_settings(ollama_twin.url))
    yield engine
    await engine.close()


@pytest.fixture
async def gemini(gemini_twin: GeminiTwin) -> AsyncIterator[GeminiClient]:
    engine = GeminiClient("cloud", GeminiSettings(base_url=gemini_twin.url), KEY)
    yield engine
    await engine.close()
