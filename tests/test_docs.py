"""The documentation says what the code does: tables, examples, commands, settings, paths and links."""

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.commands import COMMANDS, Parser
from backends.routing.classify.classifier import Classifier
from backends.settings.loading import load
from backends.types import INTENTS as KNOWN_INTENTS
from backends.types import Message, Request
from benchmarks.mutations import mutations
from docs.generate.examples import EXAMPLES, explained
from docs.generate.tables import INTENTS, PAGES, written

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [*sorted(ROOT.glob("*.md")), *DOCS, *sorted((ROOT / "benchmarks").rglob("*.md"))]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES)
def test_its_tables_are_written_from_the_code_as_it_is(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written(page, text) == text, "run `make docs`"


def test_a_missing_place_for_a_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="settings"):
        written("settings.md", "# no tables here\n")


def test_each_mutation_can_be_made() -> None:
    for one in mutations():
        text = (ROOT / one.file).read_text(encoding="utf-8")
        assert text.count(one.old) == 1, f"{one.proves}: {one.old!r} is not in {one.file} exactly once"
        assert one.old != one.new
        for test in one.tests:
            assert (ROOT / test.partition("::")[0]).is_file(), test


def test_each_intent_has_prompts_that_are_classified_as_it() -> None:
    classifier = Classifier.load()
    prompts = [(intent, prompt) for intent, (_, *prompts) in INTENTS.items() for prompt in prompts]
    found = [
        (classifier.classify(Request(id="r", messages=(Message(role="user", text=prompt),))).intent, prompt)
        for _, prompt in prompts
    ]
    assert found == prompts
    assert set(INTENTS) == set(KNOWN_INTENTS)


def test_the_ten_examples_are_decided_as_a_reader_would() -> None:
    told = explained()
    assert [each.intent for each in told] == [example.intent for example in EXAMPLES]
    assert [each.engine for each in told if each.agent in ("scout", "infra", "script")] == ["local"] * 3
    assert {each.engine for each in told} == {"local", "cloud"}


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", text):
        page = path.parent / target if target else path
        assert page.exists(), target
        if anchor:
            assert anchor in anchors(page.read_text(encoding="utf-8")), f"{target}#{anchor}"


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=named)
def test_commands_are_understood(path: Path) -> None:
    for words in commands(path.read_text(encoding="utf-8")):
        if not words or words[0] not in COMMANDS:
            assert words in ([], ["--rehearse"]), words
            continue
        parser = Parser(prog=words[0])
        importlib.import_module(f"backends.commands.{words[0]}").add_arguments(parser)
        parser.parse_args(words[1:])


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=named)
def test_settings_load(path: Path, tmp_path: Path) -> None:
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, encoding="utf-8")
        load(file, {})


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_files_and_modules_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named_files = re.findall(r"`((?:backends|console|themes|tests|docs|benchmarks)/[\w/.-]*)`", text)
    assert [name for name in named_files if not (ROOT / name).exists()] == []
    modules = re.findall(r"python -m ((?:benchmarks|docs)\.[\w.]+)", text)
    if path == ROOT / "benchmarks" / "README.md":
        modules += [f"benchmarks.{name}" for name in re.findall(r"`((?:perf|evaluation|training)\.\w+)", text)]
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_the_notice_names_files_that_exist() -> None:
    text = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert [
        name for name in re.findall(r"(?:backends|benchmarks)/[\w/.-]+\w", text) if not (ROOT / name).exists()
    ] == []


def test_the_tree_of_rooms_names_every_folder() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.partition("## Rooms")[2].partition("## Where")[0]
    packages = [path.parent for package in ("backends", "console") for path in (ROOT / package).rglob("__init__.py")]
    folders = {
        folder.name for folder in (*packages, *ROOT.iterdir(), *(ROOT / "docs").iterdir(), ROOT / "tests" / "e2e")
    }
    named_ones = set(re.findall(r"\b(\w+)/", tree))
    assert {folder.name for folder in packages} <= named_ones
    assert named_ones - folders <= {
        path.name for path in (*(ROOT / "tests").iterdir(), *(ROOT / "benchmarks").iterdir())
    }


def anchors(text: str) -> set[str]:
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[list[str]]:
    """The words after `claw` of every line that a reader is to type."""
    for line in re.findall(r"^ *\$ claw\b(.*)$", text, re.MULTILINE):
        yield shlex.split(line, comments=True)
