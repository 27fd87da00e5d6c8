"""One setting changed in claw.toml: what stood there stays, and nothing that would not work is written."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backends.errors import ClawError, WrongSettings, WrongUse
from backends.settings.edit import set_keys
from backends.settings.loading import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "claw.toml"


def test_comments_and_order_stay(file: Path) -> None:
    file.write_text("# mine\n[router]\ndial = 0.5  # careful\n\n[cache]\nexact = true\n")
    set_keys(file, {"router.dial": "0.9"})
    assert file.read_text() == "# mine\n[router]\ndial = 0.9  # careful\n\n[cache]\nexact = true\n"


def test_a_file_that_was_not_there_is_made_private(file: Path) -> None:
    set_keys(file, {"agents.writer.policy": "cloud"})
    assert load(file, {}).settings.agent("writer").policy == "cloud"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_new_engine_is_set_by_several_keys_at_once(file: Path) -> None:
    with pytest.raises(WrongSettings, match=r"`engines\.small\.model` must be set .*several keys at once"):
        set_keys(file, {"engines.small.kind": "ollama"})
    assert not file.exists()
    set_keys(file, {"engines.small.kind": "ollama", "engines.small.model": "qwen2.5:3b"})
    set_keys(file, {"engines.small.parallel": "4", "agents.ada.engines": '["small"]'})
    settings = load(file, {}).settings
    assert (settings.engines["small"].model, settings.engines["small"].parallel) == ("qwen2.5:3b", 4)
    assert settings.agent("ada").engines == ("small",)


def test_of_several_keys_all_or_none_are_set(file: Path) -> None:
    with pytest.raises(WrongSettings, match=r"router\.dail"):
        set_keys(file, {"router.dial": "0.5", "router.dail": "0.5"})
    assert not file.exists()


def test_names_with_dots_and_values_of_every_kind(file: Path) -> None:
    for key, value in {
        "agents.'team.one'.thinking_budget": "0",
        'agents."team.one".sensitive': "true",
        "privacy.words": '["Project Nightjar"]',
        "engines.cloud.model": "gemini-2.5-flash-lite",
    }.items():
        set_keys(file, {key: value})
    settings = load(file, {}).settings
    assert (settings.agent("team.one").thinking_budget, settings.agent("team.one").sensitive) == (0, True)
    assert settings.privacy.words == ("Project Nightjar",)
    assert settings.engines["cloud"].model == "gemini-2.5-flash-lite"


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("router.dail", "0.5", WrongSettings),
        ("router.dial", "2", WrongSettings),
        ("router.dial", "much", WrongSettings),
        ("router", "0.5", WrongSettings),
        ("router.dial.more", "0.5", WrongUse),
        ("", "0.5", WrongUse),
        ("a = 1\nb", "0.5", WrongUse),
    ],
)
def test_what_would_not_work_is_not_written(file: Path, key: str, value: str, kind: type[ClawError]) -> None:
    file.write_text("[router]\ndial = 0.5\n")
    with pytest.raises(kind) as caught:
        set_keys(file, {key: value})
    assert "\n" not in str(caught.value)
    assert file.read_text() == "[router]\ndial = 0.5\n"
    assert list(file.parent.iterdir()) == [file]


def test_a_broken_file_is_left_to_its_owner(file: Path) -> None:
    file.write_text("[router\n")
    with pytest.raises(WrongSettings, match="not valid TOML"):
        set_keys(file, {"router.dial": "0.5"})
    assert file.read_text() == "[router\n"


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    there = tmp_path / "dotfiles.toml"
    there.write_text("")
    file.symlink_to(there)
    set_keys(file, {"router.dial": "0.5"})
    assert file.is_symlink()
    assert "dial = 0.5" in there.read_text()


def test_what_is_no_file_is_one_line(file: Path, tmp_path: Path) -> None:
    file.mkdir()
    with pytest.raises(WrongSettings, match="not a regular file"):
        set_keys(file, {"router.dial": "0.5"})
    file.rmdir()
    os.mkfifo(file)
    with pytest.raises(WrongSettings, match="not a regular file"):
        set_keys(file, {"router.dial": "0.5"})
    file.unlink()
    file.symlink_to(tmp_path / "nowhere" / "claw.toml")
    with pytest.raises(WrongSettings, match="cannot be written"):
        set_keys(file, {"router.dial": "0.5"})


def test_of_many_at_once_none_is_lost(file: Path) -> None:
    names = [f"a{number}" for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda name: set_keys(file, {f"agents.{name}.policy": "cloud"}), names))
    agents = load(file, {}).settings.agents
    assert [name for name in names if name not in agents] == []
