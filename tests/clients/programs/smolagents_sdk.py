"""Hugging Face's smolagents: its model of OpenAI's dialect, and its agent that calls tools."""

import base64
import io
from typing import Any

from lines import clock as ask_clock
from lines import serve
from lines import weather as ask_weather
from PIL import Image
from smolagents import ChatMessage, MessageRole, OpenAIModel, Tool, ToolCallingAgent


class Weather(Tool):
    name = "weather"
    description = "The weather of a city."
    inputs = {"city": {"type": "string", "description": "Its name."}}
    output_type = "string"

    def forward(self, city: str) -> str:
        return ask_weather(city)


class Clock(Tool):
    name = "clock"
    description = "The clock of a city."
    inputs = {"city": {"type": "string", "description": "Its name."}}
    output_type = "string"

    def forward(self, city: str) -> str:
        return ask_clock(city)


def connect(url: str, model: str, retries: int = 0, **more: Any) -> OpenAIModel:
    return OpenAIModel(
        model, api_base=url, api_key="unused", client_kwargs={"max_retries": retries}, retry=False, **more
    )


def told(message: ChatMessage) -> dict[str, Any]:
    usage = message.token_usage
    assert usage is not None
    return {"text": message.content, "input": usage.input_tokens, "output": usage.output_tokens}


def user(content: Any) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=content)]


def plain(url: str, model: str, text: str, retries: int = 0) -> dict[str, Any]:
    return told(connect(url, model, retries).generate(user([{"type": "text", "text": text}])))


def stream(url: str, model: str, text: str) -> dict[str, Any]:
    deltas = list(connect(url, model).generate_stream(user([{"type": "text", "text": text}])))
    usage = next(delta.token_usage for delta in reversed(deltas) if delta.token_usage)
    return {
        "text": "".join(delta.content or "" for delta in deltas),
        "input": usage.input_tokens,
        "output": usage.output_tokens,
    }


def agent(url: str, model: str, text: str) -> dict[str, Any]:
    """One task: the agent insists on a call in every step and ends with its own tool final_answer."""
    helper = ToolCallingAgent(tools=[Weather(), Clock()], model=connect(url, model), max_steps=4, verbosity_level=0)
    answer = helper.run(text)
    steps = [step.tool_calls for step in helper.memory.steps if getattr(step, "tool_calls", None)]
    return {"answer": str(answer), "steps": [[call.name for call in calls] for calls in steps]}


def image(url: str, model: str, data_url: str) -> dict[str, Any]:
    picture = Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2])))
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image", "image": picture}]
    return told(connect(url, model).generate(user(parts)))


def structured(url: str, model: str, text: str) -> dict[str, Any]:
    import json

    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "reading", "strict": True, "schema": schema}}
    answer = connect(url, model).generate(user([{"type": "text", "text": text}]), response_format=wanted)
    found: dict[str, Any] = json.loads(str(answer.content))
    return found


serve(plain=plain, stream=stream, agent=agent, image=image, structured=structured)
