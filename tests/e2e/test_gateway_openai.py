"""OpenAI's own client, unchanged, through the gateway, the core, the real SDKs and the twins to the ledger."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
from msgspec.structs import replace

from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.settings.money import Budget
from tests.core import Stand, policy, served, stand
from tests.waiting import until

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
        "a5f645400000000049454e44ae426082"
    )
).decode()

TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Look a host up.",
            "parameters": {"type": "object", "properties": {"host": {"type": "string"}}, "required": ["host"]},
        },
    }
]


def hi(text: str = "What does port 22 do?") -> Any:
    return [{"role": "user", "content": text}]


def by_agent(settings: Settings) -> Settings:
    return policy(policy(settings, "writer", "cloud"), "scout", "local")


def poor(settings: Settings) -> Settings:
    return replace(by_agent(settings), budgets=(Budget(limit_usd=Decimal(0), on_exceeded="refuse"),))


@asynccontextmanager
async def client_of(home: Path, change: Any = by_agent) -> AsyncIterator[tuple[Stand, openai.AsyncOpenAI]]:
    async with (
        stand(home, change=change) as it,
        served(it, change) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client,
    ):
        yield it, client


async def test_whole_and_streamed_answers_are_the_ledger_s_rows(home: Path) -> None:
    async with client_of(home) as (it, client):
        for agent in ("scout", "writer"):
            raw = await client.chat.completions.with_raw_response.create(model=agent, messages=hi(f"{agent}?"))
            answer = raw.parse()
            (row,) = it.rows(f"id = '{raw.headers['x-claw-request-id']}'")
            assert answer.choices[0].message.content
            assert answer.choices[0].finish_reason == "stop"
            assert answer.usage is not None
            assert answer.usage.prompt_tokens == row["input_tokens"]
            assert answer.usage.completion_tokens == row["output_tokens"] + row["thinking_tokens"]
            assert raw.headers["x-claw-agent"] == row["agent"] == agent
            assert raw.headers["x-claw-engine"] == row["engine"]
            assert Decimal(raw.headers["x-claw-cost-usd"]) == Decimal(row["cost_usd"])

            stream = await client.chat.completions.create(
                model=agent, messages=hi(f"{agent} again?"), stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            (row,) = it.rows(f"id = '{chunks[0].id.removeprefix('chatcmpl-')}'")
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            assert chunks[-1].usage is not None
            assert chunks[-1].usage.prompt_tokens == row["input_tokens"]
            claw: Any = chunks[-1].model_extra
            assert Decimal(claw["claw"]["cost_usd"]) == Decimal(row["cost_usd"])
        assert sum(Decimal(row["cost_usd"]) for row in it.rows()) == it.billed() > 0


async def test_tools_go_there_and_back(home: Path) -> None:
    async with client_of(home) as (it, client):
        for agent in ("scout", "writer"):
            messages: Any = hi("Look up the host called nas.")
            asked = await client.chat.completions.create(
                model=agent, messages=messages, tools=TOOLS, tool_choice="required"
            )
            choice = asked.choices[0]
            assert choice.finish_reason == "tool_calls"
            assert choice.message.tool_calls
            call: Any = choice.message.tool_calls[0]
            assert call.function.name == "look_up"
            told = {"role": "tool", "tool_call_id": call.id, "content": "10.0.0.7"}
            messages += [choice.message.model_dump(exclude_none=True), told]
            answer = await client.chat.completions.create(model=agent, messages=messages, tools=TOOLS)
            assert answer.choices[0].message.content or answer.choices[0].message.tool_calls
        assert len(it.rows("finish = 'stop'")) == 4


async def test_json_by_a_schema_parses(home: Path) -> None:
    schema = {"type": "object", "properties": {"port": {"type": "integer"}}, "required": ["port"]}
    async with client_of(home) as (_, client):
        for agent in ("scout", "writer"):
            wanted: Any = {"type": "json_schema", "json_schema": {"name": "port", "schema": schema}}
            answer = await client.chat.completions.create(model=agent, messages=hi(), response_format=wanted)
            assert isinstance(json.loads(answer.choices[0].message.content or "")["port"], int)


async def test_an_image_reaches_the_cloud_as_bytes(home: Path) -> None:
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    async with client_of(home) as (it, client):
        answer = await client.chat.completions.create(model="writer", messages=[{"role": "user", "content": parts}])
        assert answer.choices[0].message.content
        assert any(PNG in str(seen) for seen in it.gemini.seen)


async def test_models_are_listed(home: Path) -> None:
    async with client_of(home) as (_, client):
        names = [model.id async for model in client.models.list()]
    assert {"auto", "local", "cloud", "scout", "qwen2.5:14b", "gemini-3.5-flash-lite"} <= set(names)


async def test_errors_are_the_client_s_own_classes(home: Path) -> None:
    async with client_of(home) as (it, client):
        create = client.chat.completions.create
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            await create(model="gpt-4o", messages=hi())
        with pytest.raises(openai.BadRequestError):
            await create(model="scout", messages=hi("   "))
        it.gemini.behaviour = replace(
            it.gemini.behaviour, faults=(Fault(kind="status", status=403, times=None, body=denied()),)
        )
        with pytest.raises(openai.InternalServerError) as broken:
            await create(model="writer", messages=hi())
        assert broken.value.status_code == 502
        assert broken.value.code == "key"
        assert "twin" not in str(broken.value.body)


def denied() -> dict[str, Any]:
    return {"error": {"code": 403, "message": "billing is off", "status": "PERMISSION_DENIED"}}


async def test_a_spent_budget_is_402(home: Path) -> None:
    async with client_of(home, poor) as (it, client):
        with pytest.raises(openai.APIStatusError) as refused:
            await client.chat.completions.create(model="writer", messages=hi())
        assert (refused.value.status_code, refused.value.code) == (402, "budget")
        assert it.rows() == []


async def test_a_stream_that_breaks_raises_in_the_client(home: Path) -> None:
    async with client_of(home) as (it, client):
        it.gemini.behaviour = replace(
            it.gemini.behaviour, chunk_tokens=1, faults=(Fault(kind="close", after=2, times=None),)
        )
        with pytest.raises(openai.APIError):
            async for _ in await client.chat.completions.create(model="writer", messages=hi(), stream=True):
                pass
        await until(lambda: it.rows("finish = 'error'"))


async def test_a_client_that_leaves_its_stream_ends_the_call_upstream(home: Path) -> None:
    async with client_of(home) as (it, client):
        it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=20.0, chunk_tokens=1)
        stream = await client.chat.completions.create(model="writer", messages=hi(), stream=True)
        async for _ in stream:
            break
        await stream.close()
        await until(lambda: it.gemini.usage.open == 0, seconds=2)
        await until(lambda: it.rows("finish = 'cancelled'"))


async def test_what_is_sensitive_stays_here(home: Path) -> None:
    async with client_of(home) as (it, client):
        for model in ("auto", "ada"):
            await client.chat.completions.create(
                model=model, messages=hi(f"{model}: prove it"), extra_headers={"X-Claw-Sensitive": "true"}
            )
        assert {row["engine"] for row in it.rows("sensitive = 1")} == {"local"}
        assert it.gemini.usage.counts()["requests"] == {}
