"""A core whose process stands still, as in a machine that sleeps, and goes on."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
from msgspec.structs import replace

from backends.core.remote import RemoteCore
from backends.paths import Paths
from backends.self_test.invariants import compare
from backends.self_test.posted_traffic import post_headers
from backends.self_test.stand import Stand, stand
from tests.waiting import until

PAUSE_S, DEADLINE_S = 5.6, 3.0
SETTINGS = """
[agents.writer]
policy = "local"
engines = ["local"]
"""


async def asked(it: Stand, http: aiohttp.ClientSession, number: int) -> tuple[int, dict[str, Any]]:
    body = {"model": "auto", "messages": [{"role": "user", "content": f"describe rack {number}"}], "max_tokens": 20}
    async with http.post(
        f"{it.url}/v1/chat/completions", json=body, headers=post_headers(number, "writer", DEADLINE_S)
    ) as answer:
        return answer.status, await answer.json()


async def test_w3_after_a_pause_late_callers_hear_504_at_once_and_new_ones_are_answered(tmp_path: Path) -> None:
    async with stand(tmp_path, SETTINGS) as it, aiohttp.ClientSession() as http:
        await it.start()
        twin = it.twins["local"]
        plain = twin.behaviour
        assert (await asked(it, http, 0))[0] == 200
        twin.behaviour = replace(plain, first_token_s=60.0)
        late = [asyncio.create_task(asked(it, http, number)) for number in (1, 2)]
        await until(lambda: twin.usage.open == 2)
        os.kill(it.pid, signal.SIGSTOP)
        await asyncio.sleep(PAUSE_S)  # the pause itself
        os.kill(it.pid, signal.SIGCONT)
        async with asyncio.timeout(1.0):
            ends = await asyncio.gather(*late)
        twin.behaviour = plain
        again = await asked(it, http, 3)
        snapshot = await RemoteCore(Paths.find(environ={"CLAW_HOME": str(tmp_path)}).socket).snapshot()
        code = await it.end()
        held = await asyncio.to_thread(compare, it.ledger, it.twins)
    assert [status for status, _ in ends] == [504, 504]
    assert again[0] == 200
    assert "paused" in {alert.key for alert in snapshot.alerts}
    assert len(twin.usage.calls) == 4, "nothing was asked a second time"
    assert (code, held.holds) == (0, True), held
