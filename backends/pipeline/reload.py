"""What a running core reads again: claw.toml, and the calibration that is in force.

Of claw.toml the tables `router`, `agents`, `privacy` and `sessions` are used from the next request on. What engines,
ledger, cache and gateway were opened with needs a restart.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from backends.errors import WrongSettings
from backends.pipeline.pipeline import Pipeline
from backends.routing.calibration.calibration_store import Calibration, CalibrationStore
from backends.settings.loading import load
from backends.settings.model import Settings

RELOADED = ("router", "agents", "privacy", "sessions")


class Reload:
    """`settings` are those in force."""

    def __init__(
        self,
        settings: Settings,
        config: Path,
        *,
        pipeline: Pipeline,
        calibrations: CalibrationStore,
        rehearsal: bool,
    ) -> None:
        self.settings = settings
        self._config = config
        self._pipeline = pipeline
        self._calibrations = calibrations
        self._ignored = ("engines",) if rehearsal else ()  # the twins' addresses replace those of claw.toml

    async def read_settings(self) -> str:
        """What was done, in a line. Raises WrongSettings; then nothing has changed."""
        found = (await asyncio.to_thread(load, self._config)).settings
        tables = [name for name in structs.asdict(found) if name not in self._ignored]
        changed = [name for name in tables if getattr(found, name) != getattr(self.settings, name)]
        try:
            self.settings = structs.replace(self.settings, **{name: getattr(found, name) for name in RELOADED})
        except ValueError as error:  # an agent's new rules name an engine that this core was not started with
            raise WrongSettings(f"{error}: restart claw to use the other tables of {self._config}") from None
        self._pipeline.reconfigure(self.settings)
        return _summary(changed)

    async def read_calibration(self) -> Calibration:
        """Use what another process has put in force meanwhile."""
        return await asyncio.to_thread(self._calibrations.reload)


def _summary(changed: Sequence[str]) -> str:
    used = [name for name in changed if name in RELOADED]
    later = [name for name in changed if name not in RELOADED]
    line = f"{', '.join(used)} taken from claw.toml" if used else "claw.toml changes nothing of what routing goes by"
    return f"{line}; {', '.join(later)} needs a restart" if later else line
