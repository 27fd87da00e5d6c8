"""A whole core between the two twins, as users run it: real SDKs, real SQLite, nothing patched."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.bootstrap.resources import Resources
from backends.clock import Clock
from backends.core.local import LocalCore
from backends.gateway.graceful_shutdown import GracefulShutdown
from backends.gateway.server import bind, serve
from backends.identity import new_id
from backends.monitoring.minute_recorder import MinuteRecorder
from backends.paths import Paths
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.rehearsal.process import Twins, twins
from backends.rehearsal.twin import Twin
from backends.self_test.invariants import compare
from backends.settings.agents import Agent
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.types import Alert, BudgetState, Chunk, Delta, Done, EngineName, Message, Outcome, Policy, Request
from backends.upstream.engine_slot import EngineSlot
from tests.waiting import until


@dataclass
class Stand:
    """A core with what it was made from, its twins, and where its files are.

    A test sets `compared` to False where its ledger cannot be held against the twins: rows are its own, a twin forgets
    or reports what is not so, or an operator had a model called.
    """

    core: LocalCore
    resources: Resources
    slots: Mapping[EngineName, EngineSlot]
    ollama: OllamaTwin
    gemini: GeminiTwin
    paths: Paths
    minutes: MinuteRecorder
    compared: bool = True

    def rows(self, where: str = "1") -> list[dict[str, Any]]:
        """Rows of requests_v1, oldest first."""
        with closing(sqlite3.connect(f"file:{self.paths.ledger}?mode=ro", uri=True)) as db, db:
            db.row_factory = sqlite3.Row
            found = db.execute(f"SELECT * FROM requests_v1 WHERE {where} ORDER BY started_at, id").fetchall()  # noqa: S608 — a test's own words
        db.close()
        return [dict(row) for row in found]

    async def budgets(self) -> tuple[BudgetState, ...]:
        """Each budget with what is spent and reserved now."""
        spend = (await self.core.snapshot()).spend
        assert spend is not None
        return spend.budgets

    async def budget(self) -> BudgetState:
        """The only budget there is."""
        (budget,) = await self.budgets()
        return budget

    async def alerts(self) -> dict[str, Alert]:
        """The conditions that hold now, by key."""
        return {alert.key: alert for alert in (await self.core.snapshot()).alerts}

    async def alert(self, key: str) -> str:
        """The text of this alert, once it is raised."""

        async def raised() -> bool:
            return key in await self.alerts()

        await until(raised)
        return (await self.alerts())[key].text

    async def cleared(self, key: str) -> None:
        """Wait until this alert is over."""

        async def over() -> bool:
            return key not in await self.alerts()

        await until(over)

    async def idle(self) -> bool:
        """Is no call in flight, in the core and at the twins?"""
        in_flight = (await self.core.snapshot()).in_flight
        return not in_flight and self.ollama.usage.open == self.gemini.usage.open == 0

    def billed(self) -> Decimal:
        """US dollars by the cloud twin's own account."""
        return Decimal(self.gemini.usage.counts(calls=0)["usd"])


@asynccontextmanager
async def stand(
    home: Path,
    *,
    change: Callable[[Settings], Settings] = lambda settings: settings,
    clock: Clock | None = None,
    pair: Twins | None = None,
    key: str = "twin",
) -> AsyncGenerator[Stand]:
    """Open a core on `home` whose engines are twins in this loop; `change` edits the settings first. `key` is the
    cloud's.

    Once it has ended, its ledger is held against what the twins counted meanwhile.
    """
    paths = Paths.find(environ={"CLAW_HOME": str(home)})
    settings = (await asyncio.to_thread(load, paths.config, {})).settings
    async with nullcontext(pair) if pair is not None else twins() as both:
        earlier = await asyncio.to_thread(known, paths, both)
        async with _opened(both, settings, paths, change=change, clock=clock, key=key) as made:
            yield made
        if made.compared:
            engines = {name: twin for twin in (both.ollama, both.gemini) for name in _engines_of(twin, made.slots)}
            await until(lambda: not any(twin.usage.open for twin in engines.values()), seconds=1.0)
            found = await asyncio.to_thread(compare, paths.ledger, engines, earlier=earlier)
            assert found.holds, found


def _engines_of(twin: Twin, slots: Mapping[EngineName, EngineSlot]) -> list[EngineName]:
    """The engines that this twin is alone; none where one has other servers besides."""
    at = {name: [url.startswith(twin.url) for url in slot.settings.addresses] for name, slot in slots.items()}
    if any(any(found) and not all(found) for found in at.values()):
        return []
    return [name for name, found in at.items() if any(found)]


def known(paths: Paths, pair: Twins) -> frozenset[str]:
    """The ids of the ledger's rows, and of the calls that twins have counted."""
    ids = {call.id for twin in (pair.ollama, pair.gemini) for call in twin.usage.calls}
    if paths.ledger.exists():
        with closing(sqlite3.connect(f"file:{paths.ledger}?mode=ro", uri=True)) as db:
            ids |= {id for (id,) in db.execute("SELECT id FROM requests")}
    return frozenset(ids)


@asynccontextmanager
async def _opened(
    pair: Twins,
    settings: Settings,
    paths: Paths,
    *,
    change: Callable[[Settings], Settings],
    clock: Clock | None,
    key: str,
) -> AsyncGenerator[Stand]:
    local = replace(settings.engines["local"], base_url=pair.ollama.url)
    cloud = replace(settings.engines["cloud"], base_url=pair.gemini.url)
    telemetry = replace(settings.telemetry, gpu=False)
    cache = replace(settings.cache, semantic=False)
    alerts = replace(settings.alerts, clear_after_s=0)
    engines = settings.engines | {"local": local, "cloud": cloud}
    settings = change(replace(settings, engines=engines, telemetry=telemetry, cache=cache, alerts=alerts))
    async with build(settings, paths, keys={"cloud": key}, clock=clock, drain_s=2.0) as built:
        yield Stand(
            core=built.core,
            resources=built.resources,
            slots=built.slots,
            ollama=pair.ollama,
            gemini=pair.gemini,
            paths=paths,
            minutes=built.minutes,
        )


@asynccontextmanager
async def served(it: Stand, change: Callable[[Settings], Settings] = lambda settings: settings) -> AsyncGenerator[str]:
    """The core behind a gateway on a port of its own: the address. `change` edits its settings as it did the core's."""
    settings = change((await asyncio.to_thread(load, it.paths.config, {})).settings)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listener, stop = bind("127.0.0.1", 0), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve(
                it.core,
                settings,
                listener,
                ready=ready.set_result,
                stop=stop,
                shutdown=GracefulShutdown(),
                keys=it.paths.agent_keys,
                refused=it.core.report_refusal,
            )
        )
        yield await ready
        stop.set()


def policy(settings: Settings, agent: str, policy: Policy, **more: Any) -> Settings:
    """Settings in which `agent` has `policy`."""
    return replace(settings, agents=settings.agents | {agent: Agent(policy=policy, **more)})


def prompt(text: str, **more: Any) -> Request:
    return Request(id=new_id(), messages=(Message(role="user", text=text),), **more)


async def chunks(core: LocalCore, request: Request) -> list[Chunk]:
    async with aclosing(core.ask(request)) as stream:
        return [chunk async for chunk in stream]


async def ask(core: LocalCore, request: Request) -> tuple[str, Outcome]:
    """The whole text and the outcome; the order of chunks is checked on the way."""
    heard = await chunks(core, request)
    *before, last = heard
    assert isinstance(last, Done)
    assert not any(isinstance(chunk, Done) for chunk in before)
    return "".join(chunk.text for chunk in before if isinstance(chunk, Delta)), last.outcome
