"""OpenAI's Agents SDK with its chat completions model."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import openai
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from lines import clock, serve, weather
from pydantic import BaseModel

set_tracing_disabled(True)


class Reading(BaseModel):
    city: str
    degrees: int


def agent(url: str, model: str, retries: int = 0, **more: Any) -> Agent[Any]:
    client = openai.AsyncOpenAI(base_url=url, api_key="unused", max_retries=retries)
    chat = OpenAIChatCompletionsModel(model=model, openai_client=client)
    return Agent(name="helper", model=chat, **more)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def told(result: Any) -> dict[str, Any]:
    usage = result.context_wrapper.usage
    return {"text": str(result.final_output), "input": usage.input_tokens, "output": usage.output_tokens}


def plain(url: str, model: str, text: str, retries: int = 0) -> dict[str, Any]:
    return told(run(Runner.run(agent(url, model, retries), text)))


def stream(url: str, model: str, text: str) -> dict[str, Any]:
    async def work() -> Any:
        settings = ModelSettings(include_usage=True)
        result = Runner.run_streamed(agent(url, model, model_settings=settings), text)
        async for _ in result.stream_events():
            pass
        return result

    return told(run(work()))


def loop(url: str, model: str, turns: list[str], *, streamed: bool = False) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        helper = agent(url, model, tools=[function_tool(weather), function_tool(clock)])
        history: list[Any] = []
        steps: list[list[str]] = []
        answers: list[str] = []
        for turn in turns:
            asked = [*history, {"role": "user", "content": turn}]
            result: Any
            if streamed:
                result = Runner.run_streamed(helper, asked)
                async for _ in result.stream_events():
                    pass
            else:
                result = await Runner.run(helper, asked)
            history = result.to_input_list()
            answers.append(str(result.final_output))
            for answer in result.raw_responses:
                calls = [item.arguments for item in answer.output if item.type == "function_call"]
                steps += [calls] if calls else []
        return {"steps": steps, "answers": answers}

    found: dict[str, Any] = run(work())
    return found


def forced(url: str, model: str, text: str, choice: Any) -> list[str]:
    name = choice if isinstance(choice, str) else choice["function"]["name"]
    helper = agent(
        url,
        model,
        tools=[function_tool(weather), function_tool(clock)],
        model_settings=ModelSettings(tool_choice=name),
        tool_use_behavior="stop_on_first_tool",
    )
    result = run(Runner.run(helper, text))
    return [item.raw_item.name for item in result.new_items if item.type == "tool_call_item"]


def structured(url: str, model: str, text: str, *, with_tools: bool = False) -> dict[str, Any]:
    more: dict[str, Any] = {"tools": [function_tool(weather)]} if with_tools else {}
    found: Reading = run(Runner.run(agent(url, model, output_type=Reading, **more), text)).final_output
    return found.model_dump()


def image(url: str, model: str, data_url: str) -> dict[str, Any]:
    parts = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": data_url, "detail": "auto"},
    ]
    return told(run(Runner.run(agent(url, model), [{"role": "user", "content": parts}])))


serve(plain=plain, stream=stream, loop=loop, forced=forced, structured=structured, image=image)
