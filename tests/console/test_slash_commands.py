"""What is a command and what a prompt, what a command makes of its argument, and variables of saved prompts."""

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.bench.prompt_settings import EFFORTS, SETTINGS, Known, PromptSettings, plain
from console.bench.slash_commands import COMMANDS, LONGEST, SlashLine, command, completed, read
from tests.console.chat_host import STATE

KNOWN = Known(
    agents=("default", "scout", "writer"),
    engines=STATE.engines,
    models=(("local", "qwen2.5:14b"), ("cloud", "gemini-3.5-flash-lite"), ("cloud", "gemini-2.5-pro")),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


def changed(settings: PromptSettings, name: str, argument: str) -> PromptSettings:
    return BY_NAME[name].apply(settings, argument, KNOWN)


@pytest.mark.parametrize(
    ("draft", "line"),
    [
        ("/temp .2", SlashLine("temp", ".2")),
        ("/new", SlashLine("new", "")),
        ("/temp   .2  ", SlashLine("temp", ".2")),
        ("/system You are\nterse.", SlashLine("system", "You are\nterse.")),
        ("/nonsense", SlashLine("nonsense", "")),
        ("/", None),
        ("/etc/hosts is what?", None),
        (" /new", None),
        ("/new\nand more", None),
        ("/temp .2\nis a setting", None),
        ("why /new", None),
        ("//", None),
        ("/Temp .2", None),
    ],
)
def test_what_is_a_command(draft: str, line: SlashLine | None) -> None:
    assert read(draft) == line


@given(st.text())
def test_no_draft_without_a_slash_is_a_command_and_no_draft_breaks_it(text: str) -> None:
    line = read(text)
    assert line is None or text.startswith(f"/{line.name}")
    assert read(f" {text}") is None


def test_reading_a_long_draft_costs_next_to_nothing() -> None:
    started = time.perf_counter()
    assert read("/system " + " " * 60_000 + "x") == SlashLine("system", "x")
    assert read("/system " + "x" * LONGEST) is None
    assert time.perf_counter() - started < 0.5


@given(st.sampled_from([each.name for each in COMMANDS]), st.text(string.printable, max_size=40))
def test_a_command_and_its_argument_come_back(name: str, argument: str) -> None:
    given_argument = argument.strip()
    line = read(f"/{name} {given_argument}")
    if line is None:
        assert "\n" in given_argument or "\r" in given_argument or given_argument[:1] in "\v\f"
    else:
        assert (line.name, line.argument.strip()) == (name, given_argument)
        assert command(line.name) is not None


@given(st.lists(st.text("abc/", min_size=1), max_size=8), st.text("abc/", max_size=3))
def test_completion_goes_as_far_as_all_agree(names: list[str], typed: str) -> None:
    word, fitting = completed(typed, names)
    assert word.startswith(typed)
    assert fitting == [name for name in names if name.startswith(typed)]
    assert all(name.startswith(word) for name in fitting)
    if fitting:
        longer = {name[: len(word) + 1] for name in fitting}
        assert len(longer) > 1 or word in fitting, "it could go further"


@pytest.mark.parametrize(
    ("name", "argument", "after"),
    [
        ("agent", "WRITER", {"agent": "writer"}),
        ("agent", "", {"agent": "default"}),
        ("engine", "cloud", {"engine": "cloud"}),
        ("engine", "auto", {"engine": "auto"}),
        ("model", "gemini-2.5-pro", {"engine": "cloud", "model": "gemini-2.5-pro"}),
        ("model", "local/llama3:8b", {"engine": "local", "model": "llama3:8b"}),
        ("think", "HIGH", {"effort": "high"}),
        ("temp", ".2", {"temperature": 0.2}),
        ("temp", "2", {"temperature": 2.0}),
        ("max", "1,200", {"max_tokens": 1200}),
        ("system", "You are\nterse.", {"system": "You are\nterse."}),
        ("cache", "off", {"cache": False}),
        ("cache", "", {"cache": False}),
        ("sensitive", "on", {"sensitive": True}),
        ("sensitive", "", {"sensitive": True}),
    ],
)
def test_what_a_setting_takes(name: str, argument: str, after: dict[str, object]) -> None:
    assert changed(PromptSettings(), name, argument) == replace(PromptSettings(), **after)


@pytest.mark.parametrize(
    ("name", "argument", "says"),
    [
        ("agent", "nobody", "No agent nobody: it is one of default, scout, writer"),
        ("engine", "moon", "No engine moon: it is one of auto, local, cloud"),
        ("model", "llama3:8b", "Which engine has llama3:8b? Say ENGINE/llama3:8b"),
        ("think", "deeply", "Thinking is one of none"),
        ("temp", "warm", "a number from 0 to 2"),
        ("temp", "2.1", "a number from 0 to 2"),
        ("temp", "nan", "a number from 0 to 2"),
        ("max", "0", "a whole number from 1 on"),
        ("max", "-3", "a whole number from 1 on"),
        ("max", "9" * 500, "a whole number from 1 on"),
        ("cache", "perhaps", "Say on or off"),
    ],
)
def test_what_a_setting_refuses(name: str, argument: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        changed(PromptSettings(), name, argument)


@given(st.sampled_from(SETTINGS), st.text(max_size=30))
def test_any_argument_is_taken_or_refused_with_a_line(setting: object, argument: str) -> None:
    for each in SETTINGS:
        if each is setting:
            try:
                after = each.apply(PromptSettings(), argument, KNOWN)
            except ValueError as error:
                assert str(error)
            else:
                assert each.apply(after, "default", KNOWN) == each.apply(PromptSettings(), "default", KNOWN) or (
                    each.name == "model"
                ), "default gives it back"


def test_another_engine_drops_a_model_that_it_does_not_have() -> None:
    settings = changed(PromptSettings(), "model", "gemini-2.5-pro")
    assert changed(settings, "engine", "local").model == ""
    assert changed(settings, "engine", "cloud").model == "gemini-2.5-pro"
    assert changed(settings, "engine", "auto").model == ""


def test_only_what_differs_is_said() -> None:
    assert PromptSettings().differences() == []
    settings = PromptSettings(
        model="m", temperature=0.2, effort="high", max_tokens=1200, system="You are a terse\nreviewer.", cache=False
    )
    assert settings.differences() == [
        "model m",
        "temp .2",
        "think high",
        "max 1,200",
        "system “You are a terse reviewer…”",
        "cache off",
    ]
    assert (settings.sampling.temperature, settings.sampling.max_tokens, settings.sampling.effort) == (
        0.2,
        1200,
        "high",
    )


def test_every_choice_of_a_setting_is_a_value_for_it() -> None:
    for setting in SETTINGS:
        for choice in setting.choices(KNOWN):
            after = setting.apply(PromptSettings(), choice, KNOWN)
            assert setting.shown(after) in (choice, f"{after.engine}/{after.model}")
    assert EFFORTS[0] == "none"
    assert [plain(value) for value in (0.0, 0.25, 1.0, 1.5)] == ["0", ".25", "1", "1.5"]
