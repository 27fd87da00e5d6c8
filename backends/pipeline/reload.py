"""claw.toml read again while the core runs: what routing goes by changes from the next request on.

`router`, `agents` and `privacy` are taken; what engines, ledger, cache and gateway were opened with needs a restart.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from msgspec import structs

from backends.settings.model import Settings, load

TAKEN = ("router", "agents", "privacy")


class Configured(Protocol):
    """What goes by the settings, and can go by others."""

    def reconfigure(self, settings: Settings) -> None: ...


class Reload:
    def __init__(self, settings: Settings, config: Path, users: Sequence[Configured], *, rehearsal: bool) -> None:
        self._settings = settings
        self._not_ours = ("engines",) if rehearsal else ()  # the twins' addresses stand in for claw.toml's
        self._config = config
        self._users = users

    async def read(self) -> tuple[Settings, str]:
        """The settings now in force, and what was done in a line. Raises WrongSettings; then nothing has changed."""
        found = (await asyncio.to_thread(load, self._config)).settings
        sections = [name for name in structs.asdict(found) if name not in self._not_ours]
        changed = [name for name in sections if getattr(found, name) != getattr(self._settings, name)]
        settings = structs.replace(self._settings, **{name: getattr(found, name) for name in TAKEN})
        for user in self._users:
            user.reconfigure(settings)
        self._settings = settings
        return settings, _told(changed)


def _told(changed: Sequence[str]) -> str:
    taken = [name for name in changed if name in TAKEN]
    later = [name for name in changed if name not in TAKEN]
    said = f"{', '.join(taken)} taken from claw.toml" if taken else "claw.toml changes nothing of what routing goes by"
    return f"{said}; {', '.join(later)} needs a restart" if later else said
