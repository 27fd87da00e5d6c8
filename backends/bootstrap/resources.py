"""A core's resources: its files opened, its engines' clients made, its weights and prices read."""

import asyncio
from contextlib import AsyncExitStack, suppress
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from backends.bus import Bus
from backends.cache.response_cache import ResponseCache
from backends.catalogue import Catalogue, Retirement
from backends.catalogue.quota_day import day_of, start_of
from backends.clock import Clock
from backends.core.overrides import Overrides
from backends.engines import registry
from backends.engines.gemini.signature_store import SignatureStore
from backends.engines.ollama import OllamaClient
from backends.engines.ollama.embed import embed_texts
from backends.lazy import Lazy
from backends.ledger.budget_windows import timezone_of
from backends.ledger.install_key import InstallKey
from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.store import Ledger
from backends.paths import Paths
from backends.pipeline.controls import Controls, stopped_by_unknown_spend
from backends.routing.calibration.calibration_store import CalibrationStore
from backends.routing.quality.dial import Dial
from backends.settings.engines import CLOUD_ENGINE, Keys
from backends.settings.model import Settings
from backends.telemetry.history import History
from backends.types import LOCAL, EngineName, Outcome
from backends.upstream.self_hosted_cost import SelfHostedCost

if TYPE_CHECKING:
    from backends.cache.semantic.embedders import Embedder
    from backends.cache.semantic.ollama_embedder import EmbedTexts
    from backends.routing.classify.classifier import Classifier
    from backends.verification.short_answers.score import Score

RESTORED = 50
"""Requests of earlier runs that the console lists."""


class Resources(Struct, frozen=True, kw_only=True):
    """What is read from disk or opened for a core, and closed after it.

    `ending` is the end of the cloud's model, where it is near or over. `cloud_calls` are those of the provider's day so
    far, by model: how many, and their input tokens. `groups` are the agents'.
    """

    settings: Settings
    config: Path
    clock: Clock
    bus: Bus
    history: History
    ledger: Ledger
    cache: ResponseCache
    engines: registry.Engines
    prices: Prices
    catalogue: Catalogue
    ending: Retirement | None
    self_hosted_cost: SelfHostedCost
    classifier: "Lazy[Classifier]"
    score: "Score | None"
    install_key: InstallKey
    calibrations: CalibrationStore
    controls: Controls
    overrides: Overrides
    timezone: tzinfo | None
    groups: dict[str, str]
    recent: tuple[Outcome, ...]
    cloud_calls: dict[EngineName, dict[str, tuple[int, int]]]


async def open_resources(
    stack: AsyncExitStack,
    settings: Settings,
    paths: Paths,
    keys: Keys,
    clock: Clock,
    *,
    memory: registry.Memory | None = None,
) -> Resources:
    await asyncio.to_thread(paths.make)
    timezone = await asyncio.to_thread(timezone_of, settings.money.timezone)
    groups = {name: agent.group for name, agent in settings.agents.items() if agent.group}
    spill = settings.ledger.spill_bytes if settings.ledger.on_unwritable == "serve" else None
    ledger = await Ledger.open(
        paths,
        settings.budgets,
        clock=clock,
        timezone=timezone,
        groups=groups,
        spill_bytes=spill,
        if_spend_unknown=stopped_by_unknown_spend(clock.now()) if settings.budgets else None,
    )
    stack.push_async_callback(ledger.close)
    install_key = await asyncio.to_thread(InstallKey.load, paths.install_key)
    signatures = SignatureStore(paths.signatures, install_key.derived("signatures"))
    stack.push_async_callback(signatures.close)
    catalogue = Catalogue(settings.models)
    engines = await asyncio.to_thread(
        registry.build, settings, keys=keys, catalogue=catalogue, signatures=signatures, memory=memory
    )
    stack.push_async_callback(engines.close)
    embed = None if (ollama := _embedding_client(settings, engines)) is None else embed_texts(ollama)
    cache = await ResponseCache.open(
        paths.cache,
        settings.cache,
        clock=clock,
        agent=lambda request: settings.rules(request.agent, request.rules),
        secret=install_key.derived("cache"),
        load_embedder=partial(_load_embedder, settings.cache.embedder, embed),
    )
    stack.push_async_callback(cache.close)
    prices = Prices.of(settings)
    await asyncio.to_thread(_read_prices, prices, settings, clock.now())
    kept = await ledger.controls()
    return Resources(
        settings=settings,
        config=paths.config,
        clock=clock,
        bus=Bus(),
        history=History(),
        ledger=ledger,
        cache=cache,
        engines=engines,
        prices=prices,
        catalogue=catalogue,
        ending=await asyncio.to_thread(catalogue.retirement, settings.engines[CLOUD_ENGINE].model, clock.now().date()),
        self_hosted_cost=SelfHostedCost(settings.costs.local, clock),
        classifier=Lazy(_load_classifier),
        score=await asyncio.to_thread(_load_score) if _checks_closely(settings) else None,
        install_key=install_key,
        calibrations=await asyncio.to_thread(CalibrationStore, paths.learned),
        controls=Controls(ledger, kept),
        overrides=Overrides(kept, clock),
        timezone=timezone,
        groups=groups,
        recent=await ledger.recent(RESTORED),
        cloud_calls=await ledger.cloud_calls(start_of(day_of(clock.now()))),
    )


def _embedding_client(settings: Settings, engines: registry.Engines) -> OllamaClient | None:
    """The first Ollama in the local zone: the cache also embeds what some agents' policy keeps there."""
    local = (client for name, clients in engines.items() if settings.zone(name) == LOCAL for client in clients)
    return next((client for client in local if isinstance(client, OllamaClient)), None)


def _load_embedder(kind: str, embed: "EmbedTexts | None") -> "Embedder":
    from backends.cache.semantic import embedders

    return embedders.load(kind, embed_texts=embed)


def _load_classifier() -> "Classifier":
    """The classifier, and the dial's shipped set, which is remembered. Imports numpy: .15 s and 20 MB, which a console
    that has not had a prompt yet does without.
    """
    from backends.routing.classify.classifier import Classifier

    Dial.load()
    return Classifier.load()


def _load_score() -> "Score":
    from backends.verification.short_answers.score import Score

    return Score.load()


def _checks_closely(settings: Settings) -> bool:
    """Do any agent's settings ask for more than checks of the form?"""
    modes = {settings.router.verify, *(agent.verify for agent in settings.agents.values())}
    return not modes.isdisjoint(("doubtful", "always"))


def _read_prices(prices: Prices, settings: Settings, now: datetime) -> None:
    """Look each engine's price up, as the table's first look takes longer than a decision may."""
    for name, engine in settings.engines.items():
        with suppress(UnknownPrice):  # the activity feed and `claw doctor` report it
            prices.tariff(name, engine.model, now)
