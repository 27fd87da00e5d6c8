"""A model's successor adopted: in claw.toml and at once, and back again."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import WrongUse
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.types import Action
from tests.core import Stand, ask, policy, prompt, stand

OLD, NEW = "gemini-2.5-flash", "gemini-3.5-flash-lite"


def order(model: str | None = None) -> Action:
    return Action(verb="adopt", actor="console", engine="cloud", model=model)


def old(settings: Settings) -> Settings:
    engines = settings.engines | {"cloud": replace(settings.engines["cloud"], model=OLD)}
    return policy(replace(settings, engines=engines), "writer", "cloud")


async def in_file(it: Stand) -> str:
    return (await asyncio.to_thread(load, it.paths.config, {})).settings.engines["cloud"].model


async def test_what_answers_in_place_of_a_model_is_asked_for_and_written_and_undone(home: Path) -> None:
    async with stand(home, change=old) as it:
        await asyncio.to_thread(it.paths.config.write_text, f'# mine\n[engines.cloud]\nmodel = "{OLD}"\n')
        await ask(it.core, prompt("one", agent="writer"))
        await it.alert(f"model:{OLD}")
        (choice,) = (await it.alerts())[f"model:{OLD}"].choices
        acted = await it.core.act(order())
        await it.cleared(f"model:{OLD}")
        adopted = await in_file(it)
        _, outcome = await ask(it.core, prompt("two", agent="writer"))
        undone = await it.core.act(Action(verb="undo", actor="cli:op"))
        text = await asyncio.to_thread(it.paths.config.read_text)
        restored = await in_file(it)
        _, again = await ask(it.core, prompt("three", agent="writer"))
    assert (acted.detail, acted.before, acted.after) == (f"cloud asks for {NEW} in place of {OLD}", OLD, NEW)
    assert (choice.action.verb, choice.action.model) == ("adopt", NEW)
    assert undone.detail.startswith(f"undone: cloud asks for {NEW}")
    assert (adopted, restored) == (NEW, OLD)
    assert outcome.attempts[0].model_asked == ""
    assert again.attempts[0].model_asked == OLD
    assert text.startswith("# mine\n")


@pytest.mark.parametrize(
    ("model", "line"), [(None, "no successor of gemini-3.5-flash-lite is known"), ("gemini-99", "has no price")]
)
async def test_what_cannot_be_adopted_leaves_claw_toml_as_it_was(home: Path, model: str | None, line: str) -> None:
    async with stand(home) as it:
        with pytest.raises(WrongUse, match=line):
            await it.core.act(order(model))
        assert not it.paths.config.exists()
