"""How the panes share the screen: all of them, monitoring beside the chat, one at a time, or none."""

from typing import Literal

Mode = Literal["wide", "split", "single", "tiny"]
"""wide: every pane; split: alerts and timeline above one pane and the chat; single: one pane; tiny: one row."""

WIDE = (140, 36)
"""Columns and rows from which all panes are shown at once."""
SPLIT = (110, 32)
"""Columns and rows from which a pane stands beside the chat."""
TINY = (40, 10)
"""Columns and rows below which no pane fits."""
MODES: tuple[Mode, ...] = ("wide", "split", "single", "tiny")
TIMELINE_ROWS = {"wide": (46, 9), "split": (38, 8)}
"""By mode, the rows of the screen from which the timeline has a place, and its own."""
BESIDE = range(1, 5)
"""The panes of which one stands beside the chat."""
CHAT, ALERTS, TIMELINE = 6, 5, 7

LAYOUT = """
MainScreen { background: $background; }
HeaderPane, TabsPane, FooterPane { height: 1; width: 100%; }
TinyPane { display: none; height: 1; }
#panes { height: 1fr; width: 100%; layout: vertical; background: $background; }
#panes > * { display: none; width: 100%; height: 1fr; }
#panes > .chosen { display: block; }
.wide TabsPane { display: none; }
.wide #panes { layout: grid; grid-size: 3; grid-columns: 46fr 52fr 42fr; grid-rows: 3 24fr 16fr 11fr; grid-gutter: 0; }
.wide #panes > * { display: block; height: 100%; }
.wide #runtime { row-span: 2; }
.wide #routing { column-span: 2; }
.wide #alerts, .wide #timeline, .wide #chat { column-span: 3; }
.split #panes { layout: grid; grid-size: 2; grid-columns: 3fr 2fr; grid-rows: 3 1fr; grid-gutter: 0; }
.split #panes > * { display: none; }
.split #panes > .beside, .split #alerts, .split #timeline, .split #chat { display: block; height: 100%; }
.split #alerts, .split #timeline { column-span: 2; }
#panes.low #timeline { display: none; }
.tiny HeaderPane, .tiny TabsPane, .tiny FooterPane, .tiny #panes { display: none; }
.tiny TinyPane { display: block; }
"""
"""The App's CSS: Textual does not load a default screen's own."""


def mode_of(columns: int, rows: int, *, zoomed: bool) -> Mode:
    """What a screen of this size shows; a zoomed pane has all of it."""
    if columns < TINY[0] or rows < TINY[1]:
        return "tiny"
    if zoomed or columns < SPLIT[0] or rows < SPLIT[1]:
        return "single"
    return "wide" if columns >= WIDE[0] and rows >= WIDE[1] else "split"


def has_timeline(mode: Mode, rows: int) -> bool:
    """Whether there is room for the timeline beside everything else."""
    return mode in TIMELINE_ROWS and rows >= TIMELINE_ROWS[mode][0]


def grid_rows(mode: Mode, rows: int, alerts: int, *, timeline: bool) -> str:
    """The heights of the grid's rows. `alerts` rows are wanted for the alerts, which have up to a fifth of them all."""
    heights = [f"{2 + max(1, min(alerts, rows // 5))}"]
    if timeline:
        heights.append(f"{TIMELINE_ROWS[mode][1]}")
    return " ".join([*heights, *(("24fr", "16fr", "11fr") if mode == "wide" else ("1fr",))])
