"""What agents read all day and what is no secret: each kind of text that once kept an agent on this machine passes."""

from pathlib import Path

import pytest

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request, Tool

GATE = PrivacyGate(Privacy(), entries=0)

TEXTS = Path(__file__).with_name("harmless_texts.txt").read_text(encoding="utf-8").split("## ")
HARMLESS = {name: text for name, _, text in (each.partition("\n") for each in TEXTS if each)}


def kinds(request: Request) -> set[str]:
    return {finding.kind for finding in GATE.inspect(request, agent_sensitive=False).findings}


@pytest.mark.parametrize("kind", HARMLESS)
@pytest.mark.parametrize("role", ["user", "tool"])
def test_what_agents_read_all_day_passes(kind: str, role: str) -> None:
    for text in (HARMLESS[kind], HARMLESS[kind].replace("\n", "\\n")):
        message = Message(role=role, text=text)  # type: ignore[arg-type]
        assert kinds(Request(id="r", messages=(message,))) == set()


@pytest.mark.parametrize(
    "described",
    ["The value to pass to", "Use this password to", "A token to pass to", "Returns the key that you pass to"],
)
def test_a_schema_is_no_value_that_its_description_announces(described: str) -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    tool = Tool(name="read", description=described, parameters=schema)
    assert kinds(Request(id="r", messages=(Message(role="user", text="hi"),), tools=(tool,))) == set()
