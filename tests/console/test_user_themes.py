"""The user's own themes: taken from a folder, taken again when a file changes, and told when one is wrong."""

import asyncio
from pathlib import Path

import pytest

from console import theming
from console.app import ClawApp
from console.user_themes import LARGEST_B, Themes, UserThemes
from tests.console.scene import snapshot
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until

BUILT_IN = Path(__file__).parents[2] / "themes" / "nordic.toml"
NORDIC = BUILT_IN.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(NORDIC, encoding="utf-8")
    return tmp_path


def test_a_file_is_a_theme_by_its_name_and_read_again_only_when_it_changed(folder: Path) -> None:
    user = UserThemes(folder)
    assert user.read_changed() == ("mine",)
    assert user.read_changed() == ()
    themes = Themes("256", user)
    assert themes.names == (*theming.names(), "mine")
    assert themes.theme("mine").background == themes.theme("nordic").background != Themes().theme("nordic").background


def test_a_users_file_replaces_a_theme_of_that_name(folder: Path) -> None:
    (folder / "claw-dark.toml").write_text(NORDIC, encoding="utf-8")
    user = UserThemes(folder)
    user.read_changed()
    themes = Themes("truecolor", user)
    assert themes.theme("claw-dark").background == theming.theme("nordic").background
    assert themes.names.count("claw-dark") == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dark = ", "Invalid value"),
        ("dark = true\n[colors]\n[roles]\n", "a theme of truecolor colours lacks accent, background"),
        (NORDIC.replace('"#2a303c"', '"dark grey"'), "wants colours as #rrggbb, not dark grey"),
        (NORDIC.replace("[roles]", '[roles]\nmood = "#ffffff"'), "does not know mood"),
        (
            NORDIC.replace("[256.roles]", '[256.roles]\nmood = "#ffffff"'),
            "of 256 colours does not",
        ),
        ("hue = 1\ndark = true\n[colors]\n[roles]\n", "unknown field `hue`"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_the_last_good_one_stays(folder: Path, text: str, problem: str) -> None:
    user = UserThemes(folder)
    user.read_changed()
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    assert user.read_changed() == ("mine",)
    assert user.problems["mine"].startswith("theme mine.toml: ")
    assert problem in user.problems["mine"]
    assert "\n" not in user.problems["mine"]
    assert Themes("truecolor", user).theme("mine").background == theming.theme("nordic").background


def test_what_is_no_theme_by_its_size_is_not_read_and_a_folder_that_is_gone_is_empty(folder: Path) -> None:
    (folder / "large.toml").write_bytes(b"#" * (LARGEST_B + 1))
    assert UserThemes(folder).read_changed() == ("mine",)
    assert UserThemes(folder / "none").read_changed() == ()


async def test_a_changed_file_is_seen_while_the_console_runs(folder: Path) -> None:
    user = UserThemes(folder)
    await asyncio.to_thread(user.read_changed)
    async with on_stage(ScriptedCore(snapshot()), themes=Themes("truecolor", user), theme="mine") as (app, _):
        assert background(app) == "#2a303c"
        other = NORDIC.replace('"#2a303c"', '"#101418"')
        await asyncio.to_thread((folder / "mine.toml").write_text, other, "utf-8")
        await until(lambda: background(app) == "#101418")
        await asyncio.to_thread((folder / "mine.toml").write_text, "dark =", "utf-8")
        await until(lambda: "theme mine.toml: " in text_of(app))
        assert background(app) == "#101418"


def background(app: ClawApp) -> str:
    """What a pane is really drawn on."""
    style = next(segment.style for segment in app.main.routing.render_line(0) if segment.style is not None)
    assert style.bgcolor is not None
    return style.bgcolor.name
