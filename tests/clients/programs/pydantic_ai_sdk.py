"""Agents of pydantic-ai, which run the tools themselves."""

import base64
from typing import Any

import openai
from lines import clock, serve, weather
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, ToolOutput
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Reading(BaseModel):
    city: str
    degrees: int


def connect(url: str, model: str, retries: int = 0) -> OpenAIChatModel:
    client = openai.AsyncOpenAI(base_url=url, api_key="unused", max_retries=retries)
    return OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))


def told(result: Any) -> dict[str, Any]:
    usage = result.usage if not callable(result.usage) else result.usage()
    return {"text": result.output, "input": usage.input_tokens, "output": usage.output_tokens}


def plain(url: str, model: str, text: str, retries: int = 0) -> dict[str, Any]:
    return told(Agent(connect(url, model, retries)).run_sync(text))


def stream(url: str, model: str, text: str) -> dict[str, Any]:
    result = Agent(connect(url, model)).run_stream_sync(text)
    texts = list(result.stream_text(delta=True))
    usage = result.usage if not callable(result.usage) else result.usage()
    return {"text": "".join(texts), "input": usage.input_tokens, "output": usage.output_tokens}


def loop(url: str, model: str, turns: list[str], *, streamed: bool = False) -> dict[str, Any]:
    agent = Agent(connect(url, model), tools=[weather, clock])
    history: list[ModelMessage] = []
    answers: list[str] = []
    for turn in turns:
        if streamed:
            stream = agent.run_stream_sync(turn, message_history=history)
            answers.append(stream.get_output())
            history = stream.all_messages()
        else:
            result = agent.run_sync(turn, message_history=history)
            history = result.all_messages()
            answers.append(result.output)
    calls = [
        [part.args_as_json_str() for part in message.parts if isinstance(part, ToolCallPart)]
        for message in history
        if isinstance(message, ModelResponse)
    ]
    return {"steps": [step for step in calls if step], "answers": answers}


def structured(url: str, model: str, text: str, *, native: bool = False, with_tools: bool = False) -> dict[str, Any]:
    output: Any = NativeOutput(Reading) if native or with_tools else ToolOutput(Reading)
    agent = Agent(connect(url, model), output_type=output, tools=[weather] if with_tools else [])
    found: Reading = agent.run_sync(text).output
    return found.model_dump()


def image(url: str, model: str, data_url: str) -> dict[str, Any]:
    kind, _, data = data_url.removeprefix("data:").partition(";base64,")
    picture = BinaryContent(base64.b64decode(data), media_type=kind)
    return told(Agent(connect(url, model)).run_sync(["What is this?", picture]))


serve(plain=plain, stream=stream, loop=loop, structured=structured, image=image)
