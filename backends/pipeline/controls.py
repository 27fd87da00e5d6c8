"""The operator's switches: cloud spend stopped, agents pinned. They outlive the core, since an incident does."""

from collections.abc import Mapping

from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.pipeline.privacy_choices import PrivacyChoices
from backends.types import Acted, EngineName

CLOUD_STOPPED = "cloud_stopped"
PIN = "pin:"


class Controls:
    """Stored in the ledger, each change in one transaction with its audit row."""

    def __init__(self, ledger: Ledger, kept: Mapping[str, str]) -> None:
        self._ledger = ledger
        self.privacy = PrivacyChoices(ledger, kept)
        self.cloud_stopped = kept.get(CLOUD_STOPPED) == "1"
        self.pins: dict[str, EngineName] = {
            key.removeprefix(PIN): value for key, value in kept.items() if key.startswith(PIN)
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
