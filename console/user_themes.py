"""The user's own themes: a folder of files like those of themes/, read again when one of them changes."""

from pathlib import Path

from textual.theme import Theme

from backends.paths import read_bounded
from console import theming
from console.theming import Depth, ThemeFile, as_theme, parse

DEPTHS: tuple[Depth, ...] = ("truecolor", "256", "16")
CHECK_S = 2.0
"""How often the folder is looked at. It costs a listing, in a thread."""
MOST = 64
LARGEST_B = 65_536
"""Larger files are no themes, and are not read."""


class UserThemes:
    """`files` are the last good ones, `problems` what is wrong with a file, each in one line. All methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}
        self.files: dict[str, ThemeFile] = {}
        self.problems: dict[str, str] = {}

    def read_changed(self) -> tuple[str, ...]:
        """Read the files that are new or changed, and return the names of their themes."""
        try:
            found = {path: _version(path) for path in sorted(self._folder.glob("*.toml"))[:MOST]}
        except OSError:
            return ()  # there is no such folder, or a file went away meanwhile: the next look finds out
        now = {path: version for path, version in found.items() if version[1] <= LARGEST_B}
        changed = tuple(path for path, version in now.items() if self._seen.get(path) != version)
        self._seen = now
        for path in changed:
            self._read(path)
        return tuple(path.stem for path in changed)

    def _read(self, path: Path) -> None:
        name = path.stem
        self.problems.pop(name, None)
        try:
            file = parse(read_bounded(path, LARGEST_B).decode())
            for depth in DEPTHS:
                as_theme(name, file, depth)
        except (OSError, ValueError, RecursionError) as error:
            self.problems[name] = f"theme {path.name}: {' '.join(str(error).split())}"
        else:
            self.files[name] = file


def _version(path: Path) -> tuple[int, int]:
    known = path.stat()
    return known.st_mtime_ns, known.st_size


class Themes:
    """All themes for a terminal of this depth: those that come with claw, and the user's, which may replace them."""

    def __init__(self, depth: Depth = "truecolor", user: UserThemes | None = None) -> None:
        self._depth = depth
        self.user = user

    @property
    def names(self) -> tuple[str, ...]:
        """The default first."""
        own = self.user.files if self.user else ()
        return (*theming.names(), *(name for name in own if name not in theming.names()))

    def theme(self, name: str) -> Theme:
        """Raises KeyError for a name that is none of `names`."""
        if self.user is not None and (file := self.user.files.get(name)) is not None:
            return as_theme(name, file, self._depth)
        return theming.theme(name, self._depth)

    def all(self) -> tuple[Theme, ...]:
        """Blocks: it reads the files of those that were not asked for before."""
        return tuple(map(self.theme, self.names))
