"""Large requests are never worked on in the event loop that all requests share, whatever part of them holds the bytes.

No clock is read: the test counts which of our functions the loop's thread enters, and how often.
"""

import base64
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from backends.cache import cache_key
from backends.engines.gemini import generate_body
from backends.engines.ollama import chat_body
from backends.gateway import json_body
from backends.gateway.dialects.openai_chat import chat_request
from backends.pipeline.normalise import normalise
from backends.pipeline.planner import RoutePlanner
from backends.pipeline.settlement import Settlement
from backends.privacy import PrivacyGate
from backends.rehearsal.behaviour import TwinModel
from backends.settings.model import Settings
from backends.upstream import token_count
from tests.core import Stand, policy, served, stand

OURS = str(Path(__file__).parents[2] / "backends")
TWINS = str(Path(OURS) / "rehearsal")

READERS = (
    json_body.decode,
    chat_request.read,
    normalise,
    PrivacyGate.parts,
    PrivacyGate.inspection,
    RoutePlanner.classify,
    cache_key.keys,
    cache_key.partition,
    Settlement.hash_prompt,
    token_count.TokenCounter.count,
)
"""Functions that read the whole request; each engine's writer of bodies is added."""

WRITERS = {"cloud": generate_body.body, "local": chat_body.chat_body}

PROSE = "The pump in hall 3 was serviced in March and runs at 1,450 rpm since. "
TEXT = PROSE * 1500  # 105 kB
HI = {"role": "user", "content": "Say hello."}


def called(arguments: str) -> list[Any]:
    function = {"name": "write", "arguments": json.dumps({"text": arguments})}
    call = {"id": "c1", "type": "function", "function": function}
    return [HI, {"role": "assistant", "content": None, "tool_calls": [call]}, result("ok"), HI]


def result(text: str) -> Any:
    return {"role": "tool", "tool_call_id": "c1", "content": text}


def tool(description: str, **parameters: Any) -> Any:
    schema = {"type": "object", "properties": parameters}
    return {"type": "function", "function": {"name": "look", "description": description, "parameters": schema}}


PLACES: dict[str, Any] = {
    "text": {"messages": [{"role": "user", "content": TEXT}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": PROSE}] * 1500}]},
    "messages": {"messages": [{"role": "user", "content": "again"}] * 12_000},
    "tool result": {"messages": [*called("x")[:2], result(TEXT), HI]},
    "tool description": {"messages": [HI], "tools": [tool(TEXT)]},
    "tool parameters": {"messages": [HI], "tools": [tool("d", **{f"p{i}": {"type": "string"} for i in range(6_000)})]},
}

SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": TEXT}}}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
IMAGE = f"data:image/png;base64,{base64.b64encode(b'PNG!' * 30_000).decode()}"

CLOUD_PLACES: dict[str, Any] = PLACES | {
    "tool arguments": {"messages": called(TEXT)},
    "schema": {"messages": [HI], "response_format": FORM},
    "image": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": IMAGE}}]}, HI]},
}


@pytest.mark.parametrize("place", CLOUD_PLACES)
async def test_a_large_request_to_the_cloud_is_worked_on_beside_the_loop(home: Path, place: str) -> None:
    await beside_the_loop(home, "cloud", CLOUD_PLACES[place])


@pytest.mark.parametrize("place", PLACES)
async def test_a_large_request_to_the_local_engine_is_worked_on_beside_the_loop(home: Path, place: str) -> None:
    await beside_the_loop(home, "local", PLACES[place])


async def beside_the_loop(home: Path, engine: str, large: Any) -> None:
    async with gateway(home) as (_, client):
        work = {each.__code__ for each in (*READERS, WRITERS[engine])}
        small = await entered(client, engine, {"messages": [HI]})
        assert small.keys() >= work  # small requests stay on the loop
        found = await entered(client, engine, large)
        assert found.keys() & work == set()
        # What grows with a request would be seen here ten thousand times; five measurings of its size are bounded.
        assert found.total() < small.total() + 7000


async def test_a_large_field_that_nobody_knows_is_read_beside_the_loop(home: Path) -> None:
    async with gateway(home) as (_, client):
        found = await entered(client, "cloud", {"messages": [HI], "unknown": [1] * 40_000})
        assert json_body.decode.__code__ not in found


async def entered(client: httpx.AsyncClient, agent: str, body: Any) -> Counter[CodeType]:
    """The code of our functions that the loop's thread enters while it answers, and how often."""
    data = json.dumps({"model": "auto", "max_tokens": 40, **body}).encode()
    headers = {"content-type": "application/json", "x-claw-agent": agent}
    with counted() as found:
        reply = await client.post("/v1/chat/completions", content=data, headers=headers)
    assert reply.status_code == 200, reply.text
    return found


@contextmanager
def counted() -> Iterator[Counter[CodeType]]:
    found: Counter[CodeType] = Counter()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(OURS) and not file.startswith(TWINS):
            found[frame.f_code] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield found
    finally:
        sys.setprofile(before)


@asynccontextmanager
async def gateway(home: Path) -> AsyncIterator[tuple[Stand, httpx.AsyncClient]]:
    """A core between its twins, its gateway, and a client of it; agents named as the engines stay on theirs."""
    async with (
        stand(home, change=roomy) as it,
        served(it, roomy) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        large = TwinModel(name="qwen2.5:14b", context=131_072)
        it.ollama.behaviour = replace(it.ollama.behaviour, models=(large,))
        yield it, client


def roomy(settings: Settings) -> Settings:
    local = replace(settings.engines["local"], context=131_072)
    settings = replace(settings, engines=settings.engines | {"local": local})
    return policy(policy(settings, "cloud", "cloud"), "local", "local")
