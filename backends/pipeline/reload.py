"""What a running core reads again: claw.toml, and the calibration that is in force.

Of claw.toml the tables in `LIVE` are used from the next request on. What engines, ledger, cache and gateway were opened
with needs a restart. What an operator has set beside claw.toml stays in force when it is read again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import structs

from backends.errors import WrongSettings
from backends.pipeline.pipeline import Pipeline
from backends.routing.calibration.calibration_store import Calibration, CalibrationStore
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.settings.overridden import LIVE, overridden
from backends.types import EngineName


class Reload:
    """`settings` are those in force: claw.toml's, under the operator's own. `changed` is told of each change."""

    def __init__(
        self,
        settings: Settings,
        config: Path,
        *,
        pipeline: Pipeline,
        calibrations: CalibrationStore,
        rehearsal: bool,
    ) -> None:
        self.settings = self._from_file = settings
        self._values: Mapping[str, str] = {}
        self.changed: Callable[[Settings], None] = lambda _: None
        self._config = config
        self._pipeline = pipeline
        self._calibrations = calibrations
        self._ignored = ("engines",) if rehearsal else ()  # the twins' addresses replace those of claw.toml

    async def read_settings(self) -> str:
        """What was done, in a line. Raises WrongSettings; then nothing has changed."""
        found = (await asyncio.to_thread(load, self._config)).settings
        tables = [name for name in structs.asdict(found) if name not in self._ignored]
        changed = [name for name in tables if getattr(found, name) != getattr(self._from_file, name)]
        try:
            from_file = structs.replace(self._from_file, **{name: getattr(found, name) for name in LIVE})
        except ValueError as error:  # an agent's new rules name an engine that this core was not started with
            raise WrongSettings(f"{error}: restart claw to use the other tables of {self._config}") from None
        try:
            settings = overridden(from_file, self._values)
        except WrongSettings as error:
            raise WrongSettings(f"{error}, with what is set beside it: `claw act unset KEY` takes that back") from None
        self._from_file = from_file
        self._use(settings)
        return _summary(changed)

    def check(self, values: Mapping[str, str]) -> Settings:
        """What the settings would be with these values of dotted keys over claw.toml's. Raises WrongSettings."""
        return overridden(self._from_file, values)

    def override(self, values: Mapping[str, str]) -> None:
        """Put these values over claw.toml's, in place of those before. Raises WrongSettings; then nothing changes."""
        settings = self.check(values)
        self._values = dict(values)
        self._use(settings)

    def with_model(self, engine: EngineName, model: str) -> Settings:
        """claw.toml's settings with another model for an engine. Raises WrongSettings where they contradict it."""
        engines = self._from_file.engines
        try:
            return structs.replace(
                self._from_file, engines={**engines, engine: structs.replace(engines[engine], model=model)}
            )
        except ValueError as error:
            raise WrongSettings(str(error)) from None

    def use_engines_of(self, settings: Settings) -> None:
        """These are claw.toml's settings from now on, their engines included. Raises WrongSettings."""
        in_force = overridden(settings, self._values)
        self._from_file = settings
        self._use(in_force)

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self._pipeline.reconfigure(settings)
        self.changed(settings)

    async def read_calibration(self) -> Calibration:
        """Use what another process has put in force meanwhile."""
        return await asyncio.to_thread(self._calibrations.reload)


def _summary(changed: Sequence[str]) -> str:
    used = [name for name in changed if name in LIVE]
    later = [name for name in changed if name not in LIVE]
    line = f"{', '.join(used)} taken from claw.toml" if used else "claw.toml changes nothing of what routing goes by"
    return f"{line}; {', '.join(later)} needs a restart" if later else line
