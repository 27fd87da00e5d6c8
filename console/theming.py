"""The files of themes/ as Textual themes: Textual's own colours, and one colour for each role that panes draw.

A theme has values of its own for terminals of 256 and of 16 colours, which are what arrives on screen: the nearest
colours to those of 24 bits would be others, and may not be legible.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct, convert, field
from textual.theme import Theme

from console.present.spans import Tone

DEFAULT = "claw-dark"
Depth = Literal["truecolor", "256", "16"]
"""How many colours a terminal has."""

COLORS = (
    "background",
    "surface",
    "panel",
    "foreground",
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "error",
)
ROLES = (*get_args(Tone), "select")
HEX = re.compile("#[0-9a-fA-F]{6}")
GREYS = {
    f"#{bytes([8 + 10 * step] * 3).hex()}": f"#{bytes([round(10.2 * (step + 1))] * 3).hex()}" for step in range(24)
}
"""The greys of 256 colours, each with what Rich sends as it: of some of them themselves, it sends the one before."""


class ThemeColors(Struct, frozen=True, forbid_unknown_fields=True):
    """`colors` are the names of textual.theme.Theme; `roles` those of console.present.spans.Tone, and `select`, the
    background of the row under the cursor: reverse video where it is the screen's own background.
    """

    colors: dict[str, str]
    roles: dict[str, str]


class ThemeFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The tables of a file. Without one for a terminal's depth, the nearest colours are shown there."""

    dark: bool
    colors: dict[str, str]
    roles: dict[str, str]
    of_256: ThemeColors | None = field(default=None, name="256")
    of_16: ThemeColors | None = field(default=None, name="16")

    def at(self, depth: Depth) -> ThemeColors:
        own = {"256": self.of_256, "16": self.of_16}.get(depth)
        return own or ThemeColors(colors=self.colors, roles=self.roles)


@cache
def names() -> tuple[str, ...]:
    """The themes that come with claw, the default first."""
    found = sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


def theme(name: str, depth: Depth = "truecolor") -> Theme:
    """Raises KeyError for a name that is none of `names()`."""
    if name not in names():
        raise KeyError(name)
    return as_theme(name, read(name), depth)


@cache
def read(name: str) -> ThemeFile:
    return parse(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def parse(text: str) -> ThemeFile:
    """Raises ValueError for what is no TOML, and msgspec.ValidationError, which is one, for what is no theme."""
    return convert(tomllib.loads(text), ThemeFile)


def as_theme(name: str, file: ThemeFile, depth: Depth) -> Theme:
    """Raises ValueError, with what is wrong, for a file that lacks a colour or has one that is none."""
    used = file.at(depth)
    colors, roles = _sent(used.colors, depth), _sent(used.roles, depth)
    missing = {*COLORS, *ROLES} - {*colors, *roles}
    unknown = {*colors} - {*COLORS} | {*roles} - {*ROLES}
    wrong = {value for value in (*colors.values(), *roles.values()) if not HEX.fullmatch(value)}
    for what, found in (("lacks", missing), ("does not know", unknown), ("wants colours as #rrggbb, not", wrong)):
        if found:
            raise ValueError(f"a theme of {depth} colours {what} {', '.join(sorted(found))}")
    return Theme(
        name=name,
        dark=file.dark,
        variables={
            **{f"claw-{role}": colour for role, colour in roles.items()},
            "block-cursor-blurred-text-style": "none",
            "scrollbar": roles["border"],
            "scrollbar-hover": roles["focus"],
            "scrollbar-active": roles["focus"],
            "scrollbar-background": colors["background"],
            "scrollbar-background-hover": colors["background"],
            "scrollbar-background-active": colors["background"],
        },
        primary=colors["primary"],
        secondary=colors["secondary"],
        accent=colors["accent"],
        success=colors["success"],
        warning=colors["warning"],
        error=colors["error"],
        foreground=colors["foreground"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
    )


def depth_of(color_system: str | None) -> Depth:
    """By the name that Rich has for what a terminal can show, as COLORTERM and TERM say."""
    depths: dict[str | None, Depth] = {"256": "256", "standard": "16"}
    return depths.get(color_system, "truecolor")


def _sent(colours: Mapping[str, str], depth: Depth) -> dict[str, str]:
    """What Rich sends as these."""
    return {name: GREYS.get(colour, colour) if depth == "256" else colour for name, colour in colours.items()}


def _folder() -> Path:
    """The folder beside the package: in a checkout and in the wheel alike."""
    return Path(__file__).parent.parent / "themes"
