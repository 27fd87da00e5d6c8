"""Java's own HTTP client (java.net.http), whose first request on a plain connection offers HTTP/2."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.client_gateway import ClientGateway
from tests.clients.program import PROGRAMS

pytestmark = [
    pytest.mark.java,
    pytest.mark.skipif(shutil.which("java") is None, reason="no java here: apt install default-jdk-headless"),
]


async def ask(at: ClientGateway, folder: Path, body: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Status, version and body of the same request, sent twice by one client."""
    given = folder / "body.json"
    given.write_text(json.dumps(body))
    process = await asyncio.create_subprocess_exec(
        "java", str(PROGRAMS / "Ask.java"), at.url, str(given), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    lines = [line.split(" ", 2) for line in out.decode().splitlines()]
    return [(status, version, text) for status, version, text in lines]


async def test_its_offer_of_http_2_is_passed_over_and_it_is_answered(at: ClientGateway, tmp_path: Path) -> None:
    body = {"model": "writer", "messages": [{"role": "user", "content": "Hi"}]}
    for status, version, text in await ask(at, tmp_path, body):
        assert (status, version) == ("200", "HTTP_1_1")
        assert json.loads(text)["choices"][0]["message"]["content"]


async def test_it_hears_a_stream_to_its_end(at: ClientGateway, tmp_path: Path) -> None:
    body = {"model": "scout", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    for status, _, text in await ask(at, tmp_path, body):
        assert status == "200"
        assert text.endswith("data: [DONE]\\n\\n")


async def test_it_hears_a_refusal_as_json(at: ClientGateway, tmp_path: Path) -> None:
    body = {"model": "gpt-unknown", "messages": [{"role": "user", "content": "Hi"}]}
    for status, _, text in await ask(at, tmp_path, body):
        assert status == "404"
        assert json.loads(text)["error"]["code"] == "model_not_found"
