"""Models brought into an Ollama's memory and out of it by an operator."""

from pathlib import Path

import pytest

from backends.errors import ClawError
from backends.types import Action
from tests.core import Stand, ask, prompt, stand


def order(verb: str, engine: str = "local", model: str | None = None) -> Action:
    return Action(verb=verb, actor="console", engine=engine, model=model)  # type: ignore[arg-type]


def loaded(it: Stand) -> list[str]:
    return [each.name for each in it.ollama.loaded_models.now()]


async def test_a_model_is_loaded_with_the_window_of_its_calls_so_that_none_loads_it_again(home: Path) -> None:
    async with stand(home) as it:
        it.compared = False  # an operator had the model called
        acted = await it.core.act(order("load"))
        assert loaded(it) == ["qwen2.5:14b"]
        await ask(it.core, prompt("hello", agent="scout"))
        assert it.ollama.usage.loads == 1
        undone = await it.core.act(Action(verb="undo", actor="cli:op"))
        assert loaded(it) == []
    assert acted.detail.startswith("qwen2.5:14b at local: loaded after ")
    assert undone.detail.startswith("undone: qwen2.5:14b at local: loaded after ")


async def test_a_warm_model_has_written_a_token_and_an_unloaded_one_is_gone(home: Path) -> None:
    async with stand(home) as it:
        it.compared = False  # an operator had the model called
        await it.core.act(order("warm"))
        assert [(call.endpoint, call.output) for call in it.ollama.usage.calls] == [("generate", 1)]
        acted = await it.core.act(order("unload"))
        assert loaded(it) == []
    assert acted.detail == "qwen2.5:14b at local: unloaded"


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (order("load", "cloud"), "cloud is of kind gemini, whose models are not loaded from here: local can"),
        (order("load", model="qwen9:1b"), "run `ollama pull qwen9:1b`"),
        (order("unload", "locl"), "did you mean local"),
    ],
)
async def test_what_cannot_be_loaded_is_one_line(home: Path, action: Action, line: str) -> None:
    async with stand(home) as it:
        with pytest.raises(ClawError, match=line):
            await it.core.act(action)
