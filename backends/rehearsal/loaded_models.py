"""Which models are loaded in the Ollama twin, with which window, and until when."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

FOREVER = timedelta(days=365 * 100)


class ResidentModel(Struct, kw_only=True):
    """A loaded model. `window` is its num_ctx in tokens."""

    name: str
    window: int
    expires_at: datetime


class LoadedModels:
    """Models are added by `load` and removed by `unload`, by their expiry, or by a load with another window."""

    def __init__(self) -> None:
        self._residents: dict[str, ResidentModel] = {}

    def now(self) -> list[ResidentModel]:
        """What is loaded now, newest last."""
        moment = datetime.now(UTC)
        for name in [name for name, resident in self._residents.items() if resident.expires_at <= moment]:
            del self._residents[name]
        return list(self._residents.values())

    def holds(self, name: str, window: int) -> bool:
        """Is the model loaded with exactly this window?"""
        return any(resident.name == name and resident.window == window for resident in self.now())

    def load(self, name: str, window: int, keep_alive_s: float) -> None:
        self._residents[name] = ResidentModel(name=name, window=window, expires_at=_until(keep_alive_s))

    def used(self, name: str, keep_alive_s: float) -> None:
        """Restart the model's expiry; 0 seconds unload it, a negative number keeps it for good."""
        if keep_alive_s == 0:
            self.unload(name)
        elif name in self._residents:
            self._residents[name].expires_at = _until(keep_alive_s)

    def unload(self, name: str) -> None:
        self._residents.pop(name, None)


def _until(keep_alive_s: float) -> datetime:
    span = FOREVER if keep_alive_s < 0 else min(timedelta(seconds=min(keep_alive_s, 1e9)), FOREVER)
    return datetime.now(UTC) + span
