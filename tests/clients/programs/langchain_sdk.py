"""LangChain's ChatOpenAI, and its own loop of messages."""

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from lines import clock as ask_clock
from lines import serve
from lines import weather as ask_weather
from pydantic import BaseModel


class Reading(BaseModel):
    """A reading."""

    city: str
    degrees: int


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return ask_weather(city)


@tool
def clock(city: str) -> str:
    """The clock of a city."""
    return ask_clock(city)


TOOLS = {"weather": weather, "clock": clock}


def connect(url: str, model: str, retries: int = 0, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(base_url=url, api_key="unused", model=model, max_retries=retries, **more)


def told(answer: AIMessage) -> dict[str, Any]:
    usage = answer.usage_metadata or {}
    return {"text": answer.text, "input": usage.get("input_tokens"), "output": usage.get("output_tokens")}


def plain(url: str, model: str, text: str, retries: int = 0, **more: Any) -> dict[str, Any]:
    return told(connect(url, model, retries, **more).invoke(text))


def stream(url: str, model: str, text: str) -> dict[str, Any]:
    whole: Any = None
    for chunk in connect(url, model, stream_usage=True).stream(text):
        whole = chunk if whole is None else whole + chunk
    return told(whole)


def loop(url: str, model: str, turns: list[str], *, backwards: bool = False, streamed: bool = False) -> dict[str, Any]:
    bound = connect(url, model).bind_tools(list(TOOLS.values()))
    messages: list[BaseMessage] = []
    steps: list[list[str]] = []
    answers: list[str] = []
    for turn in turns:
        messages.append(HumanMessage(turn))
        while True:
            answer: Any = None
            if streamed:
                for chunk in bound.stream(messages):
                    answer = chunk if answer is None else answer + chunk
            else:
                answer = bound.invoke(messages)
            messages.append(answer)
            if not answer.tool_calls:
                answers.append(answer.text)
                break
            steps.append([str(call["args"]) for call in answer.tool_calls])
            results = [
                ToolMessage(TOOLS[call["name"]].invoke(call["args"]), tool_call_id=call["id"])
                for call in answer.tool_calls
            ]
            messages += reversed(results) if backwards else results
    return {"steps": steps, "answers": answers}


def forced(url: str, model: str, text: str, choice: Any, **more: Any) -> list[str]:
    name = choice if isinstance(choice, str) else choice["function"]["name"]
    bound = connect(url, model).bind_tools(list(TOOLS.values()), tool_choice=name, **more)
    return [call["name"] for call in bound.invoke(text).tool_calls]


def structured(
    url: str, model: str, text: str, method: str = "json_schema", *, with_tools: bool = False
) -> dict[str, Any]:
    if with_tools:
        bound = connect(url, model).bind_tools(list(TOOLS.values()), response_format=Reading, strict=True)
        return bound.invoke(text).additional_kwargs["parsed"].model_dump()
    found = connect(url, model).with_structured_output(Reading, method=method).invoke(text)
    assert isinstance(found, Reading)
    return found.model_dump()


def image(url: str, model: str, data_url: str) -> dict[str, Any]:
    kind, _, data = data_url.removeprefix("data:").partition(";base64,")
    block = {"type": "image", "base64": data, "mime_type": kind}
    message = HumanMessage([{"type": "text", "text": "What is this?"}, block])
    return told(connect(url, model).invoke([message]))


def system_only(url: str, model: str, text: str) -> dict[str, Any]:
    return told(connect(url, model).invoke([SystemMessage(text)]))


def several(url: str, model: str, text: str, n: int) -> list[str]:
    result = connect(url, model, n=n).generate([[HumanMessage(text)]])
    return [generation.text for generation in result.generations[0]]


serve(
    plain=plain,
    stream=stream,
    loop=loop,
    forced=forced,
    structured=structured,
    image=image,
    system_only=system_only,
    several=several,
)
