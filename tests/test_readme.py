"""The README fits two screens, names what there is, and its Python example runs."""

import asyncio
import re
from pathlib import Path

from backends.commands import COMMANDS
from backends.settings.agents import AGENTS
from tests.core import served, stand

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GATEWAY = "http://127.0.0.1:8787"


def test_it_fits_two_screens() -> None:
    assert len(README) <= 6_000


def test_every_command_and_agent_is_named() -> None:
    assert {name for name in COMMANDS if not re.search(rf"`claw {name}\b", README)} == set()
    assert {name for name in AGENTS if f"`{name}`" not in README} == set()


def test_its_make_targets_exist_and_its_test_command_is_that_of_ci() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets
    assert "$ make test " in README
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


async def test_its_python_example_is_answered(home: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert GATEWAY in code
    async with stand(home) as it, served(it, lambda settings: settings) as url:
        await asyncio.to_thread(exec, code.replace(GATEWAY, url), {})
        (row,) = it.rows()
    assert (row["agent"], row["finish"]) == ("writer", "stop")
