"""The operator's switches: cloud spend stopped, agents pinned, agents and sessions paused. They outlive the core, since
an incident does.
"""

from collections.abc import Mapping
from typing import TypeVar

from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.pipeline.privacy_choices import PrivacyChoices
from backends.types import Acted, EngineName

CLOUD_STOPPED = "cloud_stopped"
PIN = "pin:"
PAUSED_AGENT = "paused-agent:"
PAUSED_SESSION = "paused-session:"

MOST_PAUSED = 1_000
"""Sessions that may be paused at once; each is a row of the ledger until it is resumed."""


T = TypeVar("T")


class Controls:
    """Stored in the ledger, each change in one transaction with its audit row."""

    def __init__(self, ledger: Ledger, kept: Mapping[str, str]) -> None:
        self._ledger = ledger
        self.privacy = PrivacyChoices(ledger, kept)
        self.cloud_stopped = kept.get(CLOUD_STOPPED) == "1"
        self.pins: dict[str, EngineName] = {
            key.removeprefix(PIN): value for key, value in kept.items() if key.startswith(PIN)
        }
        self.paused_agents = {key.removeprefix(PAUSED_AGENT) for key in kept if key.startswith(PAUSED_AGENT)}
        self.paused_sessions: set[tuple[str, str]] = {
            (agent, key.removeprefix(PAUSED_SESSION).removesuffix(f":{agent}"))
            for key, agent in kept.items()
            if key.startswith(PAUSED_SESSION)
        }

    async def stop_cloud(self, stopped: bool, acted: Acted) -> None:
        await self._ledger.set_control(CLOUD_STOPPED, "1" if stopped else None, acted)
        self.cloud_stopped = stopped

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
        await self._ledger.set_control(f"{PAUSED_AGENT}{agent}", "1" if paused else None, acted)
        _set(self.paused_agents, agent, paused)

    async def pause_session(self, agent: str, session: str, paused: bool, acted: Acted) -> None:
        """Pause one agent's session, or let it go on. Raises WrongUse where too many are paused."""
        if paused and len(self.paused_sessions) >= MOST_PAUSED:
            raise WrongUse(f"{MOST_PAUSED} sessions are paused: resume one first, or pause its agent")
        await self._ledger.set_control(f"{PAUSED_SESSION}{session}:{agent}", agent if paused else None, acted)
        _set(self.paused_sessions, (agent, session), paused)


def _set(members: set[T], member: T, there: bool) -> None:
    if there:
        members.add(member)
    else:
        members.discard(member)
