"""The operator's switches: cloud spend stopped, engines drained, agents pinned, agents and sessions paused.

They outlive the core, since an incident does.
"""

from collections.abc import Mapping, MutableMapping
from datetime import datetime

import msgspec
from msgspec import Struct

from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.pipeline.privacy_choices import PrivacyChoices
from backends.types import Acted, EngineName

CLOUD_STOPPED = "cloud_stopped"
DRAINED = "drained:"
PIN = "pin:"
PAUSED_AGENT = "paused-agent:"
PAUSED_SESSION = "paused-session:"

MOST_PAUSED = 1_000
"""Sessions that may be paused at once; each is a row of the ledger until it is resumed."""


class Standing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who turned a switch, when and why. A switch that an earlier version turned says none of it."""

    at: datetime | None = None
    actor: str = ""
    reason: str = ""

    @classmethod
    def of(cls, acted: Acted) -> "Standing":
        return cls(at=acted.at, actor=acted.action.actor, reason=acted.action.reason or "")


def stopped_by_unknown_spend(at: datetime) -> Mapping[str, str]:
    """The controls of a core whose budgets cannot know what was spent: no cloud until an operator says otherwise."""
    reason = "the ledger was lost and the record of its spend too: budgets do not know what was spent"
    return {CLOUD_STOPPED: msgspec.json.encode(Standing(at=at, actor="claw", reason=reason)).decode()}


class Controls:
    """Stored in the ledger, each change in one transaction with its audit row."""

    def __init__(self, ledger: Ledger, kept: Mapping[str, str]) -> None:
        self._ledger = ledger
        self.privacy = PrivacyChoices(ledger, kept)
        self.stopped = _standing(kept[CLOUD_STOPPED]) if CLOUD_STOPPED in kept else None
        self.drained: dict[EngineName, Standing] = _of_each(kept, DRAINED)
        self.paused_agents: dict[str, Standing] = _of_each(kept, PAUSED_AGENT)
        self.pins: dict[str, EngineName] = {
            key.removeprefix(PIN): value for key, value in kept.items() if key.startswith(PIN)
        }
        self.paused_sessions: set[tuple[str, str]] = {
            (agent, key.removeprefix(PAUSED_SESSION).removesuffix(f":{agent}"))
            for key, agent in kept.items()
            if key.startswith(PAUSED_SESSION)
        }

    @property
    def cloud_stopped(self) -> bool:
        return self.stopped is not None

    async def stop_cloud(self, stopped: bool, acted: Acted) -> None:
        standing = Standing.of(acted) if stopped else None
        await self._ledger.set_control(CLOUD_STOPPED, _stored(standing), acted)
        self.stopped = standing

    async def drain(self, engine: EngineName, drained: bool, acted: Acted) -> None:
        await self._turn(self.drained, DRAINED, engine, drained, acted)

    async def pin(self, agent: str, engine: EngineName | None, acted: Acted) -> None:
        """Pin, or with None unpin. Raises WrongUse where there is no pin to take away."""
        if engine is None and agent not in self.pins:
            raise WrongUse(f"{agent} is not pinned: `claw act pin {agent} ENGINE` would pin it")
        await self._ledger.set_control(f"{PIN}{agent}", engine, acted)
        if engine is None:
            del self.pins[agent]
        else:
            self.pins[agent] = engine

    async def pause_agent(self, agent: str, paused: bool, acted: Acted) -> None:
        """Pause an agent, or let it go on. Raises WrongUse where it is not paused."""
        if not paused and agent not in self.paused_agents:
            raise WrongUse(f"{agent} is not paused")
        await self._turn(self.paused_agents, PAUSED_AGENT, agent, paused, acted)

    async def pause_session(self, agent: str, session: str, paused: bool, acted: Acted) -> None:
        """Pause one agent's session, or let it go on. Raises WrongUse where too many are paused."""
        if paused and len(self.paused_sessions) >= MOST_PAUSED:
            raise WrongUse(f"{MOST_PAUSED} sessions are paused: resume one first, or pause its agent")
        await self._ledger.set_control(f"{PAUSED_SESSION}{session}:{agent}", agent if paused else None, acted)
        if paused:
            self.paused_sessions.add((agent, session))
        else:
            self.paused_sessions.discard((agent, session))

    async def _turn(
        self, switches: MutableMapping[str, Standing], prefix: str, name: str, on: bool, acted: Acted
    ) -> None:
        standing = Standing.of(acted) if on else None
        await self._ledger.set_control(f"{prefix}{name}", _stored(standing), acted)
        if standing is None:
            switches.pop(name, None)
        else:
            switches[name] = standing


def _of_each(kept: Mapping[str, str], prefix: str) -> dict[str, Standing]:
    return {key.removeprefix(prefix): _standing(value) for key, value in kept.items() if key.startswith(prefix)}


def _stored(standing: Standing | None) -> str | None:
    return None if standing is None else msgspec.json.encode(standing).decode()


def _standing(value: str) -> Standing:
    try:
        return msgspec.json.decode(value, type=Standing)
    except msgspec.DecodeError:  # "1", as earlier versions wrote it
        return Standing()
