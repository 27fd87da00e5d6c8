"""The operator's actions: what each does, how it is taken back, and what of it is written down."""

import asyncio
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import Refused, WrongUse
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.types import Action
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until

BUSY = Fault(kind="status", status=503, body={"error": "server busy, please try again."}, times=None)


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


def slow(it: Stand) -> None:
    """Both twins speak slowly enough to be left in the middle."""
    it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=20.0)
    it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=40.0, chunk_tokens=1)


async def idle(it: Stand) -> None:
    """No reservation, no call in flight, nothing open at the twins."""
    await until(it.idle)
    assert [budget.reserved_usd for budget in await it.budgets()] == [Decimal(0)]


def order(verb: str, **more: str) -> Action:
    return Action(verb=verb, actor="test", **more)  # type: ignore[arg-type]


async def test_stopped_cloud_spend_refuses_the_next_cloud_request_and_outlives_the_core(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, prompt("one", agent="writer"))
        acted = await it.core.act(order("stop-cloud"))
        with pytest.raises(Refused, match="stopped"):
            await ask(it.core, prompt("two", agent="writer"))
    async with stand(home, change=cloudy) as it:
        assert (await it.core.snapshot()).cloud_stopped
        with pytest.raises(Refused):
            await ask(it.core, prompt("three", agent="writer"))
        assert acted.undo is not None
        await it.core.act(acted.undo)
        _, outcome = await ask(it.core, prompt("four", agent="writer"))
        assert outcome.engine == "cloud"
        with sqlite3.connect(it.paths.ledger) as db:
            actions = [row[0] for row in db.execute("SELECT action FROM audit_v1 ORDER BY at")]
        db.close()
    assert [action.split()[0].strip('"{') for action in actions] == ["stop-cloud", "resume-cloud"]


async def test_a_pin_holds_from_the_next_request_on(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(order("pin", agent="ada", engine="cloud"))
        _, pinned = await ask(it.core, prompt("hello", agent="ada"))
        await it.core.act(order("pin", agent="ada", engine="local"))
        _, other = await ask(it.core, prompt("hello you", agent="ada"))
        await it.core.act(order("unpin", agent="ada"))
        snapshot = await it.core.snapshot()
    assert (pinned.engine, other.engine) == ("cloud", "local")
    assert all(agent.pinned is None for agent in snapshot.agents)


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (order("pin", agent="adda", engine="local"), "nearest is ada"),
        (order("pin", agent="ada", engine="clod"), "did you mean cloud?"),
        (order("pin", agent="ada", engine="sky"), "use one of local, cloud"),
        (order("unpin", agent="ada"), "not pinned"),
        (order("cancel", id="nothing"), "no call nothing"),
        (order("pin", agent="ada"), "needs more words"),
    ],
)
async def test_an_order_that_cannot_be_carried_out_is_one_line(home: Path, action: Action, line: str) -> None:
    async with stand(home) as it:
        with pytest.raises(WrongUse, match=line):
            await it.core.act(action)


async def test_a_cancelled_call_ends_for_its_caller(home: Path) -> None:
    async with stand(home) as it:
        slow(it)
        asked = prompt("tell a long story", agent="scout")
        caller = asyncio.ensure_future(ask(it.core, asked))
        await until(lambda: it.ollama.usage.open == 1)
        assert [call.id for call in (await it.core.snapshot()).in_flight] == [asked.id]
        await it.core.act(order("cancel", id=asked.id))
        _, outcome = await caller
        await idle(it)
        assert (await it.core.snapshot()).in_flight == ()
    assert outcome.finish == "cancelled"


async def test_a_flushed_cache_knows_nothing(home: Path) -> None:
    async with stand(home) as it:
        await ask(it.core, prompt("explain raid levels", agent="scout"))
        acted = await it.core.act(order("flush-cache"))
        _, outcome = await ask(it.core, prompt("explain raid levels", agent="scout"))
    assert acted.detail.startswith("1 ")
    assert outcome.cache == "miss"


async def test_stopping_the_cloud_stops_each_engine_of_the_cloud_zone(home: Path) -> None:
    def two_clouds(settings: Settings) -> Settings:
        lite = replace(settings.engines["cloud"], model="gemini-3.1-flash-lite")
        return replace(settings, engines=settings.engines | {"lite": lite})

    async with stand(home, change=two_clouds) as it:
        await it.core.act(order("stop-cloud"))
        stopped = {engine.name: engine.stopped for engine in (await it.core.snapshot()).engines}
        await it.core.act(order("resume-cloud"))
        resumed = {engine.name: engine.stopped for engine in (await it.core.snapshot()).engines}
    assert stopped == {"local": False, "cloud": True, "lite": True}
    assert resumed == {"local": False, "cloud": False, "lite": False}


async def test_an_agent_is_not_pinned_to_an_engine_that_it_may_not_use(home: Path) -> None:
    def at_home(settings: Settings) -> Settings:
        return policy(settings, "writer", "auto", engines=("local",))

    async with stand(home, change=at_home) as it:
        with pytest.raises(WrongUse, match=r"writer may use only local: .* agents\.writer\.engines"):
            await it.core.act(order("pin", agent="writer", engine="cloud"))
        await it.core.act(order("pin", agent="writer", engine="local"))
        _, outcome = await ask(it.core, prompt("one", agent="writer"))
    assert outcome.engine == "local"
