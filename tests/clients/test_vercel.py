"""Vercel's AI SDK, by its openai-compatible provider and by its openai provider."""

import pytest

from tests.clients.client_gateway import ClientGateway
from tests.clients.expectations import (
    AGENTS,
    TURNS,
    Answers,
    Choices,
    Images,
    Refusals,
    Retries,
    Streams,
    Structured,
    StructuredWithTools,
    Tools,
    ToolsStreamed,
    told_right,
)
from tests.clients.program import NODE, Program, RaisedError
from tests.clients.upstream import bodies

COMMAND = [str(NODE / "node_modules/.bin/node"), str(NODE / "vercel_sdk.mjs")]
INSTALLED_BY = "clients"
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("client-vercel")]


class TestVercel(
    Answers, Choices, Images, Refusals, Retries, Streams, Structured, StructuredWithTools, Tools, ToolsStreamed
):
    """It does not read x-should-retry: what it sends again, it decides by the status alone."""

    raises = dict.fromkeys(("window", "model", "forbidden", "spent", "limited"), "AI_APICallError")

    @AGENTS
    async def test_the_openai_provider_holds_a_loop_though_it_drops_signatures(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("loop", at.url, model=agent, turns=TURNS, provider="openai")
        assert len(heard["answers"]) == 3
        told_right(at, engine)

    @AGENTS
    async def test_the_openai_provider_streams(
        self, client: Program, at: ClientGateway, agent: str, engine: str
    ) -> None:
        heard = await client("stream", at.url, model=agent, text="Why is the sky blue?", provider="openai")
        (row,) = at.stand.rows()
        assert heard["text"]
        assert heard["input"] == row["input_tokens"] > 0

    @pytest.mark.parametrize("provider", ["compatible", "openai"])
    async def test_a_prompt_beyond_the_window_is_not_worth_a_retry(
        self, client: Program, at: ClientGateway, provider: str
    ) -> None:
        text = "lorem ipsum dolor " * 4_000
        with pytest.raises(RaisedError) as raised:
            await client("plain", at.url, model="scout", text=text, provider=provider, retries=3)
        assert '"status":400,"retryable":false' in raised.value.said
        assert bodies(at, "local") == []
