"""aider, which edits files by what the model writes."""

import re

import pytest

from tests.clients.client_gateway import ClientGateway
from tests.clients.program import PROGRAMS, VENVS, Program

COMMAND = [str(VENVS / "aider/bin/python"), str(PROGRAMS / "aider_tool.py")]
INSTALLED_BY = "test"
pytestmark = pytest.mark.xdist_group("client-aider")

EDIT = "Say <<notes.txt\n```\nnew\n```\n>>"


async def test_a_file_is_edited_by_a_stream(client: Program, at: ClientGateway) -> None:
    heard = await client("edit", at.url, model="scout", text=EDIT)
    assert heard["file"] == "new\n", heard["said"]
    assert [row["engine"] for row in at.stand.rows()] == ["local"]


async def test_a_file_is_edited_by_a_whole_answer_and_its_tokens_are_told(client: Program, at: ClientGateway) -> None:
    heard = await client("edit", at.url, model="writer", text=EDIT, stream=False)
    (row,) = at.stand.rows()
    assert (heard["file"], row["engine"]) == ("new\n", "cloud"), heard["said"]
    told = row["input_tokens"]
    assert re.search(rf"Tokens: ({told}|{told / 1000:.1f}k) sent", heard["said"])


async def test_a_prompt_beyond_the_window_is_told_as_that_and_not_tried_again(
    client: Program, at: ClientGateway
) -> None:
    heard = await client("edit", at.url, model="scout", text="lorem ipsum dolor " * 4_000)
    assert "has hit a token limit" in heard["said"]
    assert "Retrying" not in heard["said"]
    assert (heard["file"], at.stand.rows()) == ("old\n", [])
