"""Saved prompts: the file, its variables, and what is refused."""

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WrongUse
from console.bench.saved_prompts import KEPT, LONGEST, SavedPrompts, filled, variables
from tests.console.hostile_text import HOSTILE

NAMES = st.from_regex(r"[A-Za-z_][\w-]{0,20}", fullmatch=True)


def test_prompts_live_in_a_private_file_that_keeps_what_the_operator_wrote(tmp_path: Path) -> None:
    path = tmp_path / "state" / "prompts.toml"
    saved = SavedPrompts(path)
    assert saved.load() == {}
    saved.save("weekly", "Sum up {{topic}}.")
    saved.save("review", 'Look at\nthis: "x"\t\\ ü\n')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("# mine\n" + path.read_text())
    saved.save("weekly", "Sum up {{topic}} in {{lines}} lines.")
    saved.delete("gone")
    assert path.read_text().startswith("# mine\n")
    assert SavedPrompts(path).load() == {
        "weekly": "Sum up {{topic}} in {{lines}} lines.",
        "review": 'Look at\nthis: "x"\t\\ ü\n',
    }
    saved.delete("weekly")
    assert list(tomllib.loads(path.read_text())["prompts"]) == ["review"]
    assert [file.name for file in path.parent.iterdir()] == ["prompts.toml"]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    saved = SavedPrompts(tmp_path / "prompts.toml")
    saved.save("evil", text)
    encodable = text.encode("utf-8", "replace").decode()
    assert saved.load() == {"evil": encodable}


def test_without_a_path_they_end_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved = SavedPrompts()
    saved.save("a", "one")
    saved.save("b", "two")
    saved.delete("a")
    assert saved.load() == {"b": "two"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["{", "prompts = 3", '[prompts]\na = ["x"]', b"\xff\xfe"])
def test_a_file_that_is_not_as_it_should_be_is_never_written_over(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "prompts.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = path.read_bytes()
    with pytest.raises(WrongUse, match=r"prompts\.toml"):
        SavedPrompts(path).save("a", "one")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "a/b", "x\n", "a]\nb = 1"])
def test_a_name_is_one_word(name: str) -> None:
    with pytest.raises(WrongUse, match="name has 1 to 64"):
        SavedPrompts().save(name, "text")


def test_they_are_bounded() -> None:
    saved = SavedPrompts()
    with pytest.raises(WrongUse, match="at most"):
        saved.save("a", "x" * (LONGEST + 1))
    for number in range(KEPT):
        saved.save(f"p{number}", "x")
    with pytest.raises(WrongUse, match="delete one first"):
        saved.save("more", "x")
    saved.save("p0", "replaced")
    assert len(saved.load()) == KEPT


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WrongUse, match="cannot be"):
        SavedPrompts(tmp_path / "file" / "prompts.toml").save("a", "one")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{topic}} and {{ lines }}, {{topic}}", ["topic", "lines"]),
        ("{topic} {{}} {{1st}} {{two words}} {{ünder-line_2}}", ["ünder-line_2"]),
        ("{{{x}}}", ["x"]),
        ("{{a\n}}", []),
    ],
)
def test_what_a_variable_is(text: str, names: list[str]) -> None:
    assert variables(text) == names


@given(st.dictionaries(NAMES, st.text(max_size=30), max_size=5), st.text(max_size=20))
def test_every_variable_is_filled_once_and_values_are_not_read_again(values: dict[str, str], between: str) -> None:
    plain = between.replace("{", "").replace("}", "")
    text = plain.join(f"{{{{{name}}}}}" for name in values)
    assert variables(text) == list(values)
    assert filled(text, values) == plain.join(values.values())
    assert filled(text, dict.fromkeys(values, "{{x}}")) == plain.join(["{{x}}"] * len(values))
    assert filled(text, {}) == text
