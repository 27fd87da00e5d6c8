"""Themes: each complete, each legible, each known by its file's name."""

from typing import get_args

import pytest
from rich._palettes import EIGHT_BIT_PALETTE, STANDARD_PALETTE
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from syrupy.assertion import SnapshotAssertion

from console import theming
from console.app import ClawApp
from console.present.spans import Tone
from console.user_themes import DEPTHS, Themes
from console.widgets.line_widget import LineWidget
from tests.console.scene import incident_alerts, past_alerts
from tests.console.scene import snapshot as scene
from tests.console.scripted_core import Opener, ScriptedCore
from tests.console.stage import on_stage
from tests.waiting import until

LEAST_CONTRAST = 4.5
UNREAD = {"border", "select"}  # lines and backgrounds carry no words
LEAST_OF_FOCUS, LEAST_OF_FRAMES = 3.0, 1.8
"""Of the frame that shows where keys go, as WCAG 2.2 has it for what one must see; and of those that only separate."""


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of `#rrggbb`."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_there_are_at_least_six_and_the_default_is_first() -> None:
    assert len(theming.names()) >= 6
    assert theming.names()[0] == theming.DEFAULT
    assert {"claw-light", "high-contrast", "phosphor"} <= set(theming.names())


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", theming.names())
def test_a_theme_has_every_role_and_each_can_be_read(name: str, depth: theming.Depth) -> None:
    """AA of WCAG 2.2 for all text, on the screen's background and in the row under the cursor."""
    used = theming.read(name).at(depth)
    assert set(used.roles) == {*get_args(Tone), "select"}
    grounds = (used.colors["background"], used.roles["select"])
    poor = {
        (role, ground): round(contrast(colour, ground), 2)
        for role, colour in used.roles.items()
        if role not in UNREAD
        for ground in grounds
        if contrast(colour, ground) < LEAST_CONTRAST
    }
    assert not poor
    assert contrast(used.colors["foreground"], used.colors["panel"]) >= LEAST_CONTRAST


@pytest.mark.parametrize(("depth", "system"), [("256", ColorSystem.EIGHT_BIT), ("16", ColorSystem.STANDARD)])
@pytest.mark.parametrize("name", theming.names())
def test_a_terminal_is_sent_the_very_colours_of_the_file(name: str, depth: theming.Depth, system: ColorSystem) -> None:
    """Not their neighbours, which may be another hue or not legible."""
    file, theme = theming.read(name), theming.theme(name, depth)
    own = file.of_256 if depth == "256" else file.of_16
    assert own is not None
    sent = {role: sent_as(theme.variables[f"claw-{role}"], system) for role in own.roles}
    assert sent == own.roles
    assert sent_as(str(theme.background), system) == own.colors["background"]


def sent_as(colour: str, system: ColorSystem) -> str:
    """What a terminal of few colours shows for one of 24 bits."""
    number = Color.parse(colour).downgrade(system).number
    assert number is not None
    palette = EIGHT_BIT_PALETTE if system is ColorSystem.EIGHT_BIT else STANDARD_PALETTE
    return "#" + bytes(palette[number]).hex()


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux"}, "16"),
    ],
)
def test_what_a_terminal_can_show_decides(environ: dict[str, str], depth: str) -> None:
    assert theming.depth_of(Console(force_terminal=True, _environ=environ).color_system) == depth


@pytest.mark.parametrize("name", theming.names())
def test_a_theme_is_what_textual_takes(name: str) -> None:
    theme = theming.theme(name)
    assert theme.name == name
    assert theme.dark == (name != "claw-light")
    assert theme.variables["claw-local"]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", theming.names())
def test_frames_are_seen_and_that_of_the_focus_well(name: str, depth: theming.Depth) -> None:
    used = theming.read(name).at(depth)
    ground = used.colors["background"]
    assert contrast(used.roles["border"], ground) >= LEAST_OF_FRAMES
    assert contrast(used.roles["focus"], ground) >= LEAST_OF_FOCUS


def test_an_unknown_theme_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        theming.theme("no-such-theme")


@pytest.mark.parametrize("depth", DEPTHS)
async def test_every_word_on_screen_is_legible_in_each_theme(depth: theming.Depth, snapshot: SnapshotAssertion) -> None:
    """As the terminal shows it, after what Rich makes of the colours."""
    drawn: dict[str, list[str]] = {}
    core = ScriptedCore(scene(alerts=incident_alerts(), past_alerts=past_alerts()))
    async with on_stage(core, size=(120, 40), themes=Themes(depth)) as (app, pilot):
        await pilot.press("5", "down")
        for name in theming.names():
            ground = theming.read(name).at(depth).colors["background"]
            app.theme = name
            await until(lambda ground=ground: grounds(app, depth) >= {ground})  # type: ignore[misc]
            pairs = pairs_drawn(app, depth)
            poor = {pair for pair in pairs if contrast(*pair) < LEAST_CONTRAST}
            assert not poor, name
            drawn[name] = [f"{ink} on {ground}" for ink, ground in sorted(pairs)]
    assert drawn == snapshot


def pairs_drawn(app: ClawApp, depth: theming.Depth) -> set[tuple[str, str]]:
    """The two colours of each character that is no line of a frame or a chart."""
    found: set[tuple[str, str]] = set()
    for segment in segments(app):
        style, read = segment.style, any(not (each.isspace() or "─" <= each <= "▟") for each in segment.text)
        if read and style is not None and style.color is not None and style.bgcolor is not None:
            found.add((shown(style.color, depth), shown(style.bgcolor, depth)))
    return found


def grounds(app: ClawApp, depth: theming.Depth) -> set[str]:
    styles = (segment.style for segment in segments(app))
    return {shown(style.bgcolor, depth) for style in styles if style is not None and style.bgcolor is not None}


def segments(app: ClawApp) -> list[Segment]:
    panes = [pane for pane in app.main.watchers if isinstance(pane, LineWidget) and pane.display and pane.size]
    return [segment for pane in panes for y in range(pane.size.height) for segment in pane.render_line(y)]


def shown(colour: Color, depth: theming.Depth) -> str:
    systems = {"256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}
    return sent_as(colour.name, systems[depth]) if depth in systems else colour.name


async def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    core = ScriptedCore(scene())
    async with on_stage(core, opener=Opener(core)) as (app, _):
        await until(lambda: app.state.live)
        colours = {
            (segment.style.color, segment.style.bgcolor)
            for pane in app.main.watchers
            if pane.display and pane.size
            for y in range(pane.size.height)
            for segment in pane.render_line(y)
            if segment.style is not None
        }
        assert colours == {(None, None)}
        assert app.native_ansi_color
