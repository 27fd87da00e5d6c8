"""The files of themes/ as Textual themes: Textual's own colours, and one colour for each role that panes draw."""

import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from msgspec import Struct, convert
from textual.theme import Theme

DEFAULT = "claw-dark"


class ThemeFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`colors` are the names of textual.theme.Theme; `roles` those of console.present.spans.Tone, and `select`."""

    dark: bool
    colors: dict[str, str]
    roles: dict[str, str]


@cache
def names() -> tuple[str, ...]:
    """The themes there are, the default first."""
    found = sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


@cache
def theme(name: str) -> Theme:
    """Raises KeyError for a name that is none of `names()`."""
    if name not in names():
        raise KeyError(name)
    file = read(name)
    colors: dict[str, Any] = file.colors
    return Theme(
        name=name,
        dark=file.dark,
        variables={
            **{f"claw-{role}": colour for role, colour in file.roles.items()},
            "block-cursor-blurred-text-style": "none",
            "scrollbar": file.roles["border"],
            "scrollbar-hover": file.roles["focus"],
            "scrollbar-active": file.roles["focus"],
            "scrollbar-background": colors["background"],
            "scrollbar-background-hover": colors["background"],
            "scrollbar-background-active": colors["background"],
        },
        **colors,
    )


def read(name: str) -> ThemeFile:
    return convert(tomllib.loads(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")), ThemeFile)


def _folder() -> Traversable:
    """The folder beside the package: in a checkout and in the wheel alike."""
    return files("console").joinpath("..", "themes")
