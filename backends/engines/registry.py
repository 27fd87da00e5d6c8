"""The engines that the settings name. Importing this is cheap; building them imports the HTTP stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from backends.catalogue import Catalogue
from backends.engines.base import EngineClient
from backends.settings.engines import EngineSettings, GeminiSettings, OllamaSettings, OpenAISettings
from backends.settings.model import Settings
from backends.types import EngineName

if TYPE_CHECKING:
    from backends.engines.gemini.signature_store import SignatureStore
    from backends.engines.ollama import OllamaClient


class Engines(Struct, frozen=True):
    """By name, in the settings' order; one without a key raises EngineError "key" when called."""

    by_name: dict[EngineName, EngineClient]

    def __getitem__(self, name: EngineName) -> EngineClient:
        return self.by_name[name]

    async def prepare(self) -> None:
        """Import the SDKs ahead of the first call, in threads: 0.2 s and 0.6 s."""
        for engine in self.by_name.values():
            await engine.prepare()

    @property
    def ollama(self) -> OllamaClient | None:
        """The first engine that is an Ollama: the one that embeds."""
        from backends.engines.ollama import OllamaClient

        return next((each for each in self.by_name.values() if isinstance(each, OllamaClient)), None)

    async def close(self) -> None:
        for engine in self.by_name.values():
            await engine.close()


def build(
    settings: Settings,
    *,
    gemini_key: str | None,
    catalogue: Catalogue | None = None,
    signatures: SignatureStore | None = None,
) -> Engines:
    """Takes 0.3 s the first time, for imports; connects nothing, and may run in a thread."""

    def client(engine: EngineSettings) -> EngineClient:
        if isinstance(engine, GeminiSettings):
            from backends.engines.gemini import GeminiClient

            return GeminiClient(engine, gemini_key, catalogue=catalogue, signatures=signatures)
        return local_client(engine)

    return Engines({name: client(engine) for name, engine in settings.engines.items()})


def local_client(settings: EngineSettings) -> EngineClient:
    """A client of a server, by its kind."""
    if isinstance(settings, OllamaSettings):
        from backends.engines.ollama import OllamaClient

        return OllamaClient(settings)
    if isinstance(settings, OpenAISettings):
        from backends.engines.openai import OpenAIClient

        return OpenAIClient(settings)
    raise TypeError(f"{settings.kind} is no kind of server")
