"""Terminal styles of the roles, by the current theme. Without colour, bold and reverse video replace it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from rich.style import Style
from textual.app import App

from console.present.spans import Tone

TONES: tuple[Tone, ...] = get_args(Tone)
_BOLD: frozenset[Tone] = frozenset({"strong", "title", "focus", "flag", "bad"})
_FRAME: frozenset[Tone] = frozenset({"border", "focus"})
_REVERSED: frozenset[Tone] = frozenset({"flag", "cursor"})

Styles = Mapping[Tone, tuple[Style, Style]]
"""For each role its style, and its style in a selected row."""


def styles(app: App[Any]) -> Styles:
    if app.no_color:
        return _styles_without_colour()
    wanted = ("background", "claw-select", *(f"claw-{tone}" for tone in TONES))
    return _styles_with_colour(tuple(app.theme_variables[name] for name in wanted))


@lru_cache(maxsize=16)
def _styles_with_colour(colours: tuple[str, ...]) -> Styles:
    background, select, *foregrounds = colours
    styles: dict[Tone, tuple[Style, Style]] = {}
    for tone, colour in zip(TONES, foregrounds, strict=True):
        bold = tone in _BOLD
        slanted = tone == "emphasis"
        if tone in _REVERSED:
            style = Style(color=background, bgcolor=colour, bold=True)
            styles[tone] = (style, style)
        elif tone in _FRAME:
            style = Style(color=colour, bgcolor=background, bold=bold)
            styles[tone] = (style, style)
        else:
            ink, ground = (background, colour) if select == background else (colour, select)  # 16 have none between
            styles[tone] = (
                Style(color=colour, bgcolor=background, bold=bold, italic=slanted),
                Style(color=ink, bgcolor=ground, bold=bold, italic=slanted),
            )
    return styles


@lru_cache(maxsize=1)
def _styles_without_colour() -> Styles:
    styles: dict[Tone, tuple[Style, Style]] = {}
    for tone in TONES:
        bold, slanted, reverse = tone in _BOLD, tone == "emphasis", tone in _REVERSED
        style = Style(bold=bold, italic=slanted, dim=tone in ("dim", "border"), reverse=reverse)
        styles[tone] = (style, Style(bold=bold, italic=slanted, reverse=not reverse))
    return styles
