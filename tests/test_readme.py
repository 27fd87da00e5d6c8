"""The README says what the code does: its tables are those of now, and its examples are taken as it says."""

import re
from pathlib import Path

import pytest

from backends.commands import COMMANDS
from backends.routing.classify import Classifier
from backends.settings.model import AGENTS
from backends.types import Message, Request
from docs.generate.examples import EXAMPLES, explained
from docs.generate.tables import INTENTS, written

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_tables_are_written_from_the_code_as_it_is() -> None:
    assert written(README) == README, "run `make readme`"


def test_a_missing_place_for_a_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="settings"):
        written("# no tables here\n")


def test_its_examples_are_taken_for_the_intent_they_stand_at() -> None:
    classifier = Classifier.load()
    taken = {
        prompt: classifier.classify(Request(id="r", messages=(Message(role="user", text=prompt),))).intent
        for _, *prompts in INTENTS.values()
        for prompt in prompts
    }
    assert taken == {prompt: intent for intent, (_, *prompts) in INTENTS.items() for prompt in prompts}
    assert set(INTENTS) == {str(name) for name in classifier._intents}


def test_its_ten_examples_are_decided_as_it_says() -> None:
    told = explained()
    assert len(told) == 10
    assert [each.intent for each in told] == [example.intent for example in EXAMPLES]
    assert [each.engine for each in told if each.agent in ("scout", "infra", "script")] == ["local"] * 3
    assert {each.engine for each in told} == {"local", "cloud"}
    lines = README.splitlines()
    for example, each in zip(EXAMPLES, told, strict=True):
        (line,) = [line for line in lines if line.startswith(f'| `--agent {example.agent} "{example.prompt}"` |')]
        assert line.split(" | ")[1:3] == [each.engine, each.intent]


def test_every_command_and_agent_is_named() -> None:
    assert {name for name in COMMANDS if not re.search(rf"`claw {name}\b", README)} == set()
    assert {name for name in AGENTS if f"`{name}`" not in README} == set()


def test_its_links_and_make_targets_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets
