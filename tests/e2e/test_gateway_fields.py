"""OpenAI's own client through the whole core: what its settings, its agent's name and its repeated prompts come to."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
from msgspec.structs import replace

from backends.settings.model import Settings
from backends.types import Action
from tests.core import policy
from tests.e2e.test_gateway_openai import client_of, hi


def at_home(settings: Settings) -> Settings:
    return policy(policy(settings, "writer", "cloud"), "scout", "local", sensitive=True)


def claw(answer: Any) -> dict[str, Any]:
    return dict(answer.model_extra["claw"])


async def test_n_answers_have_a_row_and_a_cost_each(home: Path) -> None:
    async with client_of(home) as (it, client):
        answer = await client.chat.completions.create(model="writer", messages=hi(), n=3)
        await client.chat.completions.create(model="writer", messages=hi(), n=2)
        rows = it.rows()
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert answer.usage is not None
    assert answer.usage.total_tokens == sum(
        row["input_tokens"] + row["output_tokens"] + row["thinking_tokens"] for row in rows[:3]
    )
    assert len(rows) == 5
    assert {row["cache"] for row in rows} == {"bypass"}
    assert Decimal(claw(answer)["cost_usd"]) == sum(Decimal(row["cost_usd"]) for row in rows[:3])


async def test_a_cached_answer_reports_the_usage_of_the_first(home: Path) -> None:
    async with client_of(home) as (it, client):
        first = await client.chat.completions.create(model="writer", messages=hi())
        again = await client.chat.completions.create(model="writer", messages=hi())
        rows = it.rows("cache = 'exact'")
    assert again.usage == first.usage
    assert again.usage is not None
    assert again.usage.prompt_tokens > 0
    assert (claw(again)["cached"], claw(again)["cost_usd"]) == (True, "0")
    assert [(row["input_tokens"], row["output_tokens"]) for row in rows] == [(0, 0)]


@pytest.mark.parametrize("sampled", [False, True])
async def test_a_wish_for_chance_shares_answers_only_where_the_operator_says_so(home: Path, sampled: bool) -> None:
    def change(settings: Settings) -> Settings:
        return at_home(replace(settings, cache=replace(settings.cache, sampled=sampled)))

    async with client_of(home, change) as (it, client):
        for _ in range(2):
            await client.chat.completions.create(model="writer", messages=hi(), temperature=0.9)
        await client.chat.completions.create(model="writer", messages=hi(), temperature=0.9, seed=7)
        await client.chat.completions.create(model="writer", messages=hi(), temperature=0.9, seed=7)
        found = [row["cache"] for row in it.rows()]
    assert found == (["miss", "exact"] if sampled else ["bypass", "bypass"]) + ["miss", "exact"]


@pytest.mark.parametrize("model", ["scout", "writer"])
async def test_instructions_that_stand_alone_are_answered(home: Path, model: str) -> None:
    alone: Any = [{"role": "system", "content": "Say good morning in three languages."}]
    async with client_of(home) as (_, client):
        answer = await client.chat.completions.create(model=model, messages=alone)
    assert answer.choices[0].message.content


@pytest.mark.parametrize(
    ("agent", "model"),
    [
        ("Scout", "auto"),
        ("SCOUT", "auto"),
        (None, "Scout"),
        ("writer", "scout"),
        ("Writer", "SCOUT"),
        ("scout", "writer"),
    ],
)
async def test_nothing_of_an_agent_that_is_kept_at_home_leaves_however_it_is_named(
    home: Path, agent: str | None, model: str
) -> None:
    async with client_of(home, at_home) as (it, client):
        headers = {"X-Claw-Agent": agent} if agent else {}
        answer = await client.chat.completions.create(model=model, messages=hi(), extra_headers=headers)
        (row,) = it.rows()
    assert claw(answer)["engine"] == "local"
    assert row["agent"] == ("scout" if "scout" in (agent or model).lower() else "writer")
    assert row["sensitive"] == 1
    assert it.billed() == 0


@pytest.mark.parametrize("agent", ["scuot", "scou", "newsroom"])
async def test_an_unknown_agent_is_refused_once_one_is_kept_at_home(home: Path, agent: str) -> None:
    async with client_of(home, at_home) as (it, client):
        with pytest.raises(openai.BadRequestError, match=f"no agent {agent} is configured"):
            await client.chat.completions.create(model="auto", messages=hi(), extra_headers={"X-Claw-Agent": agent})
        assert it.rows() == []


async def test_a_slip_of_an_agent_s_name_is_in_the_notes(home: Path) -> None:
    async with client_of(home) as (_, client):
        answer = await client.chat.completions.create(
            model="local", messages=hi(), extra_headers={"X-Claw-Agent": "writr"}
        )
    assert claw(answer)["notes"] == ["no agent writr is configured: did you mean writer?"]


async def test_an_unknown_model_is_openai_s_own_error(home: Path) -> None:
    async with client_of(home) as (_, client):
        with pytest.raises(openai.NotFoundError) as told:
            await client.chat.completions.create(model="gpt-4o-mini", messages=hi())
        assert told.value.code == "model_not_found"
        assert (await client.models.retrieve("scout")).id == "scout"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-4o-mini")


async def test_a_client_hears_its_request_s_id(home: Path) -> None:
    async with client_of(home) as (it, client):
        answer = await client.chat.completions.create(model="writer", messages=hi())
        (row,) = it.rows()
        with pytest.raises(openai.NotFoundError) as told:
            await client.chat.completions.create(model="nobody", messages=hi())
    assert answer._request_id == row["id"]
    assert told.value.request_id


async def test_a_pin_to_local_holds_for_whoever_names_that_agent(home: Path) -> None:
    async with client_of(home) as (it, client):
        await it.core.act(Action(verb="pin", agent="Ada", engine="local", actor="test"))
        answer = await client.chat.completions.create(
            model="ada", messages=hi(), extra_headers={"X-Claw-Agent": "writer"}
        )
    assert (claw(answer)["agent"], claw(answer)["engine"]) == ("writer", "local")
