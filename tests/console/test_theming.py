"""Themes: each complete, each legible, each known by its file's name."""

from typing import get_args

import pytest

from console import theming
from console.present.spans import Tone
from tests.console.scene import snapshot
from tests.console.scripted_core import Opener, ScriptedCore
from tests.console.stage import on_stage
from tests.waiting import until

LEAST_CONTRAST = 4.5
UNREAD = {"border", "select"}  # lines and backgrounds carry no words


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of `#rrggbb`."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_there_are_at_least_four_and_the_default_is_first() -> None:
    assert len(theming.names()) >= 4
    assert theming.names()[0] == theming.DEFAULT
    assert {"claw-light", "high-contrast", "phosphor"} <= set(theming.names())


@pytest.mark.parametrize("name", theming.names())
def test_a_theme_has_every_role_and_each_can_be_read(name: str) -> None:
    file = theming.read(name)
    assert set(file.roles) == {*get_args(Tone), "select"}
    grounds = (file.colors["background"], file.roles["select"])
    poor = {
        (role, ground): round(contrast(colour, ground), 2)
        for role, colour in file.roles.items()
        if role not in UNREAD
        for ground in grounds
        if contrast(colour, ground) < LEAST_CONTRAST
    }
    assert not poor
    assert contrast(file.colors["foreground"], file.colors["panel"]) >= LEAST_CONTRAST


@pytest.mark.parametrize("name", theming.names())
def test_a_theme_is_what_textual_takes(name: str) -> None:
    theme = theming.theme(name)
    assert theme.name == name
    assert theme.dark == (name != "claw-light")
    assert theme.variables["claw-local"]


def test_an_unknown_theme_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        theming.theme("no-such-theme")


async def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    core = ScriptedCore(snapshot())
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
