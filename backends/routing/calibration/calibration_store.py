"""Calibrations on disk: corrections of the shipped weights, and a scale of the dial from the operator's own traffic.

Each training writes a file of its own beside the earlier ones (`calibration-3.json`); the one in force is named in
`calibration`. Nothing here holds a prompt.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from backends.errors import WrongUse
from backends.paths import open_private
from backends.routing.quality.ability import quality
from backends.routing.quality.dial import Dial
from backends.routing.quality.platt_scaling import Correction
from backends.settings.engines import CLOUD_ENGINE, LOCAL_ENGINE
from backends.types import Classes, EngineName

IN_FORCE = "calibration"


class Calibration(Struct, frozen=True, kw_only=True):
    """`version` 0 is the shipped state. `weights` are those that were corrected: others are left as they are.

    `engines` are the corrections of engines beside the built-in two.

    `gains` are the quantiles that the dial is read off: the operator's own traffic's, where there was enough of it,
    else None, and it is read off the shipped set.
    """

    version: int = 0
    weights: str = ""
    trained_at: str = ""
    local: Correction = Correction()
    cloud: Correction = Correction()
    engines: dict[EngineName, Correction] = field(default_factory=dict)
    gains: tuple[float, ...] | None = None

    @property
    def scale(self) -> Dial:
        return Dial.load() if self.gains is None else Dial(self.gains)

    def quality(self, engine: EngineName, classes: Classes, score: float) -> float:
        """P(an engine answers well) whose model has this MMLU-Pro score, in percent: by what was said of the engine
        itself, else by its place among the references, which are corrected in `classes` already.
        """
        own = self.engines.get(engine)
        if own is None or classes.said is None:
            return quality(classes.p_local, classes.p_cloud, score)
        return own.apply(quality(*classes.said, score))

    @property
    def corrections(self) -> dict[EngineName, Correction]:
        """Of every engine that has one, the built-in two first."""
        return {LOCAL_ENGINE: self.local, CLOUD_ENGINE: self.cloud, **self.engines}

    @property
    def name(self) -> str:
        return f"calibration {self.version}" if self.version else "the shipped state"

    def correct(self, classes: Classes) -> Classes:
        """`classes` with both chances corrected; what the weights themselves said is kept in `said`."""
        if not self.version or classes.weights != self.weights:
            return classes
        p_local, p_cloud = self.local.apply(classes.p_local), self.cloud.apply(classes.p_cloud)
        return replace(
            classes,
            p_local=p_local,
            p_cloud=max(p_local, p_cloud),
            said=(classes.p_local, classes.p_cloud),
            weights=f"{classes.weights}+{self.version}",
        )


class CalibrationStore:
    """The calibrations in `folder`. `current` is the one in force, read when the store is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.current = self._in_force()

    def reload(self) -> Calibration:
        """Use what another process has put in force meanwhile."""
        self.current = self._in_force()
        return self.current

    def read(self, version: int) -> Calibration:
        """Raises WrongUse where there is no such calibration."""
        try:
            return msgspec.json.decode(self._path(version).read_bytes(), type=Calibration)
        except (OSError, msgspec.DecodeError):
            raise WrongUse(
                f"calibration {version} cannot be read: `claw route train --list` shows those there are"
            ) from None

    def versions(self) -> list[int]:
        """Those that can be put in force, oldest first."""
        names = (path.stem.removeprefix("calibration-") for path in self._folder.glob("calibration-*.json"))
        return sorted(int(name) for name in names if name.isdigit())

    def add(self, learned: Calibration) -> Calibration:
        """Keep it under the next version and put it in force."""
        kept = replace(learned, version=max([0, *self.versions()]) + 1)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._path(kept.version), msgspec.json.format(msgspec.json.encode(kept)))
        self._put_in_force(kept.version)
        return kept

    def roll_back(self) -> Calibration:
        """Put the one before in force, at last the shipped state. Raises WrongUse where that is in force already."""
        now = self.current.version
        if not now:
            raise WrongUse("the shipped weights are in force, uncorrected: there is nothing to take back")
        before = max([version for version in self.versions() if version < now], default=0)
        self._put_in_force(before)
        return self.current

    def _put_in_force(self, version: int) -> None:
        _write(self._named, str(version).encode("ascii"))
        self.reload()

    def _in_force(self) -> Calibration:
        """The shipped state where nothing was trained, or where the file cannot be read any more."""
        try:
            version = int(self._named.read_text(encoding="ascii"))
            return self.read(version) if version else Calibration()
        except (OSError, ValueError, WrongUse):
            return Calibration()

    @property
    def _named(self) -> Path:
        return self._folder / IN_FORCE

    def _path(self, version: int) -> Path:
        return self._folder / f"calibration-{version}.json"


def _write(path: Path, data: bytes) -> None:
    """Written whole or not at all, also in a crash."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(draft, "wb", opener=open_private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
