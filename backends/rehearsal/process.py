"""Where the twins live: in a test's own event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backends.rehearsal.gemini_twin import GeminiTwin
    from backends.rehearsal.ollama_twin import OllamaTwin


@dataclass(frozen=True)
class Twins:
    ollama: "OllamaTwin"
    gemini: "GeminiTwin"


@asynccontextmanager
async def twins() -> AsyncIterator[Twins]:
    """Both twins in this event loop on ports of their own, quick and well, keeping the requests they see."""
    from backends.rehearsal.gemini_twin import GeminiTwin
    from backends.rehearsal.ollama_twin import OllamaTwin

    pair = Twins(OllamaTwin(keep_bodies=True), GeminiTwin(keep_bodies=True))
    await pair.ollama.start()
    try:
        await pair.gemini.start()
        yield pair
    finally:
        await pair.ollama.close()
        await pair.gemini.close()
