"""What a core makes of agents' requests: the bare prompt's intent, difficulty and thinking, whatever is around it."""

from pathlib import Path

from msgspec.structs import replace

from backends.settings.model import Settings
from backends.types import Classes, Request
from benchmarks.evaluation.agents.bodies import SHAPES
from tests import core as stands
from tests.backends.envelope.asking import asked, said

HARD = "Prove that every bounded monotone sequence of reals converges, and derive the rate for x(n+1) = cos x(n)."
PROMPTS = (HARD, "hi", "Translate this into Dutch: the shop is closed on Mondays")


async def test_a_wrapped_prompt_is_explained_as_the_bare_one(tmp_path: Path) -> None:
    async with stands.stand(tmp_path) as it:

        async def classes(request: Request) -> tuple[str, str, Classes | None]:
            told = await it.core.explain(request)
            alone = told.classes and replace(told.classes, input_tokens=0, most_tokens=0)
            return told.ask, told.engine, alone

        for prompt in PROMPTS:
            bare = await classes(replace(said(prompt, tools=()), agent="default"))
            assert bare[0] == prompt
            for client in SHAPES:
                assert await classes(asked(client, prompt, agent="default")) == bare, client


async def test_a_wrapped_prompt_gets_the_thinking_that_its_ask_needs(tmp_path: Path) -> None:
    def cloud(settings: Settings) -> Settings:
        return stands.policy(settings, "writer", "cloud")

    async with stands.stand(tmp_path, change=cloud) as it:
        thought = []
        for prompt in ("hi", HARD):
            _, outcome = await stands.ask(it.core, asked("openclaw", prompt, agent="writer", filling=2_000))
            thought.append(outcome.tokens.thinking)
        assert thought[0] < thought[1] / 2
