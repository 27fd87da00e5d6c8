"""The command of a recommendation, run as it is printed, does what the recommendation says."""

import asyncio
import json
import shlex
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from backends.commands import main
from backends.types import Tokens
from tests.backends.ledger.samples import attempt, opened, outcome
from tests.core import ask, prompt, stand

DEAR, CHEAPER = "gemini-2.5-pro", "gemini-3.5-flash-lite"
CONFIG = f"""
[engines.cloud]
model = "{DEAR}"
[agents.sherlock]
policy = "cloud"
[agents.writer]
policy = "cloud"
"""


def recommended(kind: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    assert main(["report", "--review", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return [one for one in found["recommendations"] if one["kind"] == kind]


async def fill(home: Path) -> None:
    """A month in which sherlock's prompts were easy, and writer's hard."""
    at, tokens = datetime.now(UTC) - timedelta(days=5), Tokens(input=200_000, output=100_000)
    async with opened(home) as ledger:
        for agent, p_local in (("sherlock", 0.97), ("writer", 0.4)):
            call = attempt("1.25", model=DEAR, tokens=tokens)
            row = outcome(agent, call, at=at, agent=agent, p_local=p_local, p_cloud=0.975, baseline_usd=Decimal("1.25"))
            await ledger.settle(row)


async def answering(home: Path) -> dict[str, str]:
    """The model that answers each agent."""
    async with stand(home) as it:
        found = {}
        for agent in ("sherlock", "writer"):
            request = prompt("Who painted this?", agent=agent, cache=False)
            explained = await it.core.explain(request)
            _, answered = await ask(it.core, request)
            assert (answered.engine, answered.model) == (explained.engine, explained.model)
            found[agent] = answered.model
        return found


def test_a_cheaper_sibling_is_adopted_for_the_agent_that_it_is_recommended_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir(parents=True)
    home.joinpath("claw.toml").write_text(CONFIG)
    asyncio.run(fill(home))
    assert asyncio.run(answering(home)) == {"sherlock": DEAR, "writer": DEAR}
    (one,) = recommended("dear-model", capsys)
    assert one["title"] == f"sherlock pays {DEAR} where {CHEAPER} would do"
    assert Decimal(one["usd_month"]) > 0
    program, *argv = shlex.split(one["command"])
    assert program == "claw"
    assert main(argv) == 0
    assert asyncio.run(answering(home)) == {"sherlock": CHEAPER, "writer": DEAR}
    assert recommended("dear-model", capsys) == []
