import msgspec
from msgspec.structs import replace

from backends.settings.agents import AGENTS
from backends.types import CacheStats
from tests.backends.gateway.running_gateway import RunningGateway
from tests.backends.gateway.scripted_core import snapshot


async def test_every_name_that_may_be_asked_for_is_listed(gateway: RunningGateway) -> None:
    status, _, body = await (await gateway.dial(gateway.get("/v1/models"))).answer()
    listed = msgspec.json.decode(body)
    assert status == 200
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == [
        "auto",
        "local",
        "cloud",
        *AGENTS,
        "qwen2.5:14b",
        "gemini-3.5-flash-lite",
    ]
    assert {model["object"] for model in listed["data"]} == {"model"}


async def test_healthz_says_that_the_process_lives(gateway: RunningGateway) -> None:
    status, headers, body = await (await gateway.dial(gateway.get("/healthz"))).answer()
    assert (status, body) == (200, b'{"ok":true}')
    assert headers["x-claw-request-id"]
    assert "server" not in headers


async def test_readyz_needs_an_engine_that_is_not_down(gateway: RunningGateway) -> None:
    status, _, body = await (await gateway.dial(gateway.get("/readyz"))).answer()
    assert (status, msgspec.json.decode(body)) == (200, {"ready": True, "semantic": "off", "ledger": "ok"})
    down = tuple(replace(engine, health="down") for engine in snapshot().engines)
    gateway.core.state = lambda: snapshot(engines=down, cache=CacheStats(semantic="loading"))
    status, _, body = await (await gateway.dial(gateway.get("/readyz"))).answer()
    assert (status, msgspec.json.decode(body)) == (503, {"ready": False, "semantic": "loading", "ledger": "ok"})
    stopped = tuple(replace(engine, stopped=True) for engine in snapshot().engines)
    gateway.core.state = lambda: snapshot(engines=stopped)
    assert (await (await gateway.dial(gateway.get("/readyz"))).answer())[0] == 503
