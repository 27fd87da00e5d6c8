"""Roles to terminal styles, by the theme in force. Without colour, weight and reverse video carry what they can."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from rich.style import Style
from textual.app import App

from console.present.rows import Tone

TONES: tuple[Tone, ...] = get_args(Tone)
_BOLD: frozenset[Tone] = frozenset({"strong", "title", "focus", "flag", "bad"})
_FRAME: frozenset[Tone] = frozenset({"border", "focus"})
_REVERSED: frozenset[Tone] = frozenset({"flag", "cursor"})

Palette = Mapping[Tone, tuple[Style, Style]]
"""For each role its style, and its style in a selected row."""


def palette(app: App[Any]) -> Palette:
    if app.no_color:
        return _colourless()
    wanted = ("background", "claw-select", *(f"claw-{tone}" for tone in TONES))
    return _coloured(tuple(app.theme_variables[name] for name in wanted))


@lru_cache(maxsize=16)
def _coloured(colours: tuple[str, ...]) -> Palette:
    background, select, *foregrounds = colours
    made: dict[Tone, tuple[Style, Style]] = {}
    for tone, colour in zip(TONES, foregrounds, strict=True):
        bold = tone in _BOLD
        slanted = tone == "emphasis"
        if tone in _REVERSED:
            style = Style(color=background, bgcolor=colour, bold=True)
            made[tone] = (style, style)
        elif tone in _FRAME:
            style = Style(color=colour, bgcolor=background, bold=bold)
            made[tone] = (style, style)
        else:
            made[tone] = (
                Style(color=colour, bgcolor=background, bold=bold, italic=slanted),
                Style(color=colour, bgcolor=select, bold=bold, italic=slanted),
            )
    return made


@lru_cache(maxsize=1)
def _colourless() -> Palette:
    made: dict[Tone, tuple[Style, Style]] = {}
    for tone in TONES:
        bold, slanted, reverse = tone in _BOLD, tone == "emphasis", tone in _REVERSED
        style = Style(bold=bold, italic=slanted, dim=tone in ("dim", "border"), reverse=reverse)
        made[tone] = (style, Style(bold=bold, italic=slanted, reverse=not reverse))
    return made
