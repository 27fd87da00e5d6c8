"""The engines that the settings name. Importing this is cheap; building them imports the HTTP stack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from backends.catalogue import Catalogue
from backends.engines.base import EngineClient
from backends.settings.engines import EngineSettings, Keys
from backends.settings.model import Settings
from backends.types import EngineName, MachineMemory

if TYPE_CHECKING:
    from backends.engines.gemini.signature_store import SignatureStore

Memory = Callable[[], Awaitable[MachineMemory]]
"""Asks how much memory this machine has for models."""

KINDS = {
    "ollama": "backends.engines.ollama",
    "openai": "backends.engines.openai",
    "gemini": "backends.engines.gemini",
}
"""The folder of each kind of engine. Each one has what `Kind` asks for."""


class Parts(Struct, frozen=True, kw_only=True):
    """What clients are built with beside their settings; each kind takes what it needs."""

    key: str | None = None
    catalogue: Catalogue
    signatures: SignatureStore | None = None
    memory: Memory | None = None


class Kind(Protocol):
    """A folder of `backends.engines`."""

    def clients(self, name: EngineName, settings: EngineSettings, parts: Parts) -> tuple[EngineClient, ...]:
        """One client for each address, `base_url` first. Connects nothing."""
        ...


class Engines(Mapping[EngineName, tuple[EngineClient, ...]]):
    """The clients of each engine, in the settings' order: one for each of its addresses.

    An engine that lacks its key raises EngineError "key" when it is called.
    """

    def __init__(self, clients: Mapping[EngineName, tuple[EngineClient, ...]]) -> None:
        self._clients = dict(clients)

    def __getitem__(self, name: EngineName) -> tuple[EngineClient, ...]:
        return self._clients[name]

    def __iter__(self) -> Iterator[EngineName]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)

    async def prepare(self) -> None:
        """Import the SDKs ahead of the first call, in threads: 0.2 s for Ollama's and 0.6 s for Google's."""
        for client in self._all():
            await client.prepare()

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._all()))

    def _all(self) -> Iterator[EngineClient]:
        return (client for clients in self._clients.values() for client in clients)


def build(
    settings: Settings,
    *,
    keys: Keys,
    catalogue: Catalogue | None = None,
    signatures: SignatureStore | None = None,
    memory: Memory | None = None,
) -> Engines:
    """Takes 0.3 s the first time, for imports; connects nothing, and may run in a thread.

    Without `memory` it is not known how large a model's window may be here, and the usual one is taken.
    """
    parts = Parts(catalogue=catalogue or Catalogue(), signatures=signatures, memory=memory)
    return Engines(
        {
            name: _kind(engine).clients(name, engine, replace(parts, key=keys.get(name)))
            for name, engine in settings.engines.items()
        }
    )


def clients(
    name: EngineName,
    engine: EngineSettings,
    *,
    key: str | None = None,
) -> tuple[EngineClient, ...]:
    """The clients of one engine, one for each address."""
    return _kind(engine).clients(name, engine, Parts(key=key, catalogue=Catalogue()))


def _kind(engine: EngineSettings) -> Kind:
    kind: Kind = import_module(KINDS[engine.kind])
    return kind
