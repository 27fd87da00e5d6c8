"""The OpenAI-compatible twin, by the official SDK: what it refuses, and that its plain stream is one."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from backends.rehearsal.openai_twin import OpenAITwin
from tests.backends.rehearsal.requests import PROMPT, QWEN

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
USER = {"role": "user", "content": PROMPT}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "12"}


@pytest.fixture
async def twin() -> AsyncIterator[OpenAITwin]:
    twin = OpenAITwin()
    await twin.start()
    yield twin
    await twin.close()


@pytest.fixture
async def client(twin: OpenAITwin) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{twin.url}/v1", api_key="any", max_retries=0) as client:
        yield client


async def test_a_stream_and_a_whole_answer_say_the_same(client: openai.AsyncOpenAI) -> None:
    messages: list[Any] = [USER]
    options: Any = {"include_usage": True}
    stream = await client.chat.completions.create(model=QWEN, messages=messages, stream=True, stream_options=options)
    parts = [part async for part in stream]
    whole = await client.chat.completions.create(model=QWEN, messages=messages)
    text = "".join(choice.delta.content or "" for part in parts for choice in part.choices)
    assert len(text) > 100
    assert text == whole.choices[0].message.content
    assert [choice.finish_reason for part in parts for choice in part.choices][-1] == "stop"
    assert parts[-1].usage is not None
    assert whole.usage is not None
    assert parts[-1].usage.completion_tokens == whole.usage.completion_tokens > 20


async def test_a_tool_is_called_and_its_result_taken(client: openai.AsyncOpenAI) -> None:
    asked: Any = {"role": "user", "content": "what is the weather?"}
    tools: Any = [TOOL]
    whole = await client.chat.completions.create(model=QWEN, messages=[asked], tools=tools)
    (call,) = whole.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_weather"
    history: Any = [asked, CALLED, RESULT]
    after = await client.chat.completions.create(model=QWEN, messages=history, tools=tools)
    assert after.choices[0].message.content


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"messages": [USER, USER]}, "must alternate"),
        ({"messages": [USER, {"role": "system", "content": "x"}]}, "at the beginning"),
        ({"messages": [{"role": "system", "content": "x"}]}, "No user query"),
        ({"messages": [USER, RESULT]}, "must name a call"),
        ({"messages": [USER, CALLED, {"role": "user", "content": "x"}]}, "followed by its result"),
        ({"stop": [""]}, "empty string"),
        ({"seed": -1}, "seed"),
        ({"top_p": 0}, "top_p"),
        ({"logit_bias": {"word": 1}}, "logit_bias"),
        ({"reasoning_effort": "xhigh"}, "reasoning_effort"),
        ({"tool_choice": "required"}, "no tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "not among the tools"),
        ({"tools": [TOOL], "logprobs": True, "stream": True}, "not supported with tools"),
        ({"response_format": {"type": "yaml"}}, "response_format"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:;base64,AAAA"}}]}
                ]
            },
            "Failed to load image",
        ),
    ],
)
async def test_what_such_servers_refuse_is_400(client: openai.AsyncOpenAI, body: dict[str, Any], says: str) -> None:
    asked: dict[str, Any] = {"model": QWEN, "messages": [USER]} | body
    with pytest.raises(openai.BadRequestError, match=says):
        await client.chat.completions.create(**asked)
