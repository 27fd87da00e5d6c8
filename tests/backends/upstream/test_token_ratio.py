"""What engines report corrects the estimate by agent and engine, within bounds, and never a reservation."""

from collections.abc import Callable
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.errors import ContextTooLong
from backends.identity import new_id
from backends.settings.engines import OpenAISettings
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Request, Sampling
from backends.upstream.token_ratio import AGENTS, LEAST, MOST, TokenRatios
from tests.backends.engines.rig import WireServer, delta, response, sse, wire
from tests.core import ask, policy, prompt, stand


@pytest.mark.parametrize("truth", [0.5, 0.67, 0.71, 1.0, 1.4, 2.0])
def test_after_five_calls_the_estimate_is_within_a_tenth(truth: float) -> None:
    ratios = TokenRatios()
    assert ratios.corrected("a", "m", 1_000) == 1_000
    for size in (1_500, 900, 1_500, 400, 1_100):
        ratios.learn("a", "m", estimated=size, reported=round(truth * size))
    assert 0.9 < ratios.corrected("a", "m", 1_000) / (truth * 1_000) < 1.1


def test_a_tokenizer_that_changes_is_followed() -> None:
    ratios = TokenRatios()
    for truth in (0.7,) * 20 + (1.3,) * 6:
        ratios.learn("a", "m", estimated=10_000, reported=round(truth * 10_000))
    assert 1.2 < ratios.ratio("a", "m") < 1.3


def test_agents_and_models_are_learned_apart() -> None:
    ratios = TokenRatios()
    ratios.learn("a", "m", estimated=10_000, reported=20_000)
    assert ratios.ratio("b", "m") == ratios.ratio("a", "n") == 1.0


@given(st.lists(st.tuples(st.integers(-5, 10**12), st.integers(-5, 10**12)), max_size=30))
def test_no_report_takes_a_ratio_out_of_its_bounds(calls: list[tuple[int, int]]) -> None:
    ratios = TokenRatios()
    for estimated, reported in calls:
        ratios.learn("a", "m", estimated=estimated, reported=reported)
    assert LEAST - 1e-9 <= ratios.ratio("a", "m") <= MOST + 1e-9


def test_a_short_prompt_moves_what_a_long_one_is_taken_for_by_little() -> None:
    ratios = TokenRatios()
    ratios.learn("a", "m", estimated=5, reported=12)
    assert 1.0 < ratios.ratio("a", "m") < 1.1


def test_only_so_many_are_remembered() -> None:
    ratios = TokenRatios()
    for number in range(AGENTS + 1):
        ratios.learn(f"a{number}", "m", estimated=10_000, reported=5_000)
    assert ratios.ratio("a0", "m") == 1.0
    assert ratios.ratio("a1", "m") < 0.6


TEXT = "The pump in hall 3 was serviced in March and runs well since. " * 150


def counted(tokens: int) -> bytes:
    usage = {"prompt_tokens": tokens, "completion_tokens": 2, "total_tokens": tokens + 2}
    return response(sse(delta("Yes."), delta(finish="stop") | {"usage": usage}, b"[DONE]"))


def asked(text: str = TEXT, **more: Any) -> Request:
    return replace(prompt(text), cache=False, **more)


async def test_a_window_is_judged_by_what_the_engine_counted_before(home: Path) -> None:
    """A prompt that the bare estimate takes for too long is answered, once the engine's own counts are known."""
    long = asked(TEXT * 2, sampling=Sampling(max_tokens=64))
    async with wire(counted(1_500)) as server, stand(home, change=before(server, window=4_096)) as it:
        with pytest.raises(ContextTooLong):
            await ask(it.core, long)
        for _ in range(3):
            _, outcome = await ask(it.core, asked())
            assert outcome.tokens.input == 1_500
        text, _ = await ask(it.core, replace(long, id=new_id()))
        assert text == "Yes."


async def test_the_expected_cost_follows_the_ratio_and_the_worst_case_only_what_was_counted(home: Path) -> None:
    async with stand(home, change=on_a_budget) as it:
        expected, reserved = [], []
        for _ in range(4):
            expected.append((await it.core.explain(asked())).estimate.cost_usd)
            async with aclosing(it.core.ask(asked())) as stream:
                await anext(stream)
                (budget,) = await it.budgets()
                reserved.append(budget.reserved_usd)
                async for _chunk in stream:
                    pass
        assert expected[0] != expected[-1]
        assert reserved[0] > reserved[1] == reserved[2] == reserved[3] > 0


def on_a_budget(settings: Settings) -> Settings:
    settings = replace(settings, budgets=(Budget(limit_usd=Decimal(9)),))
    return policy(settings, "default", "cloud")


def before(server: WireServer, *, window: int) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        engine = OpenAISettings(base_url=server.url, context=window)
        settings = replace(settings, engines=settings.engines | {"local": engine})
        return policy(settings, "default", "local", verify="off")

    return change
