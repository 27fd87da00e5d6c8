"""OpenAI's Python client, used as its documentation shows."""

import json
from typing import Any

import openai
from lines import TOOLS, result_of, serve
from pydantic import BaseModel


class Reading(BaseModel):
    city: str
    degrees: int


def connect(url: str, retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="unused", max_retries=retries)


def told(answer: Any) -> dict[str, Any]:
    choice, usage = answer.choices[0], answer.usage
    return {
        "text": choice.message.content or "",
        "finish": choice.finish_reason,
        "input": usage.prompt_tokens,
        "output": usage.completion_tokens,
        "extra": answer.model_extra,
    }


def plain(url: str, model: str, text: str, retries: int = 0, **more: Any) -> dict[str, Any]:
    with connect(url, retries) as client:
        messages = [{"role": "user", "content": text}]
        return told(client.chat.completions.create(model=model, messages=messages, **more))


def stream(url: str, model: str, text: str) -> dict[str, Any]:
    with connect(url) as client:
        messages = [{"role": "user", "content": text}]
        chunks = list(
            client.chat.completions.create(
                model=model, messages=messages, stream=True, stream_options={"include_usage": True}
            )
        )
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    usage = chunks[-1].usage
    return {"text": "".join(texts), "input": usage.prompt_tokens, "output": usage.completion_tokens}


def loop(
    url: str,
    model: str,
    turns: list[str],
    *,
    backwards: bool = False,
    streamed: bool = False,
    known_fields_only: bool = False,
) -> dict[str, Any]:
    """Ask each question and run the tools until there is text."""
    messages: list[Any] = []
    steps: list[list[str]] = []
    answers: list[str] = []
    with connect(url) as client:
        for turn in turns:
            messages.append({"role": "user", "content": turn})
            while True:
                if streamed:
                    with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as events:
                        answer: Any = events.get_final_completion()
                else:
                    answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS)
                message = answer.choices[0].message
                calls = message.tool_calls or []
                if known_fields_only:
                    names = ("id", "type", "function")
                    written = [{name: call.model_dump()[name] for name in names} for call in calls]
                    messages.append({"role": "assistant", "content": message.content})
                    if written:
                        messages[-1]["tool_calls"] = written
                else:
                    messages.append(message.model_dump(exclude_none=True))
                if not calls:
                    answers.append(message.content or "")
                    break
                steps.append([f"{call.function.name} {call.function.arguments}" for call in calls])
                results = [
                    {
                        "role": "tool",
                        "tool_call_id": call.id,
                        "content": result_of(call.function.name, call.function.arguments),
                    }
                    for call in calls
                ]
                messages += reversed(results) if backwards else results
    return {"steps": steps, "answers": answers}


def streamed_calls(url: str, model: str, text: str) -> list[dict[str, Any]]:
    with (
        connect(url) as client,
        client.chat.completions.stream(
            model=model, messages=[{"role": "user", "content": text}], tools=TOOLS
        ) as events,
    ):
        for _ in events:
            pass
        message = events.get_final_completion().choices[0].message
    return [
        {"name": call.function.name, "arguments": json.loads(call.function.arguments)}
        for call in message.tool_calls or ()
    ]


def forced(url: str, model: str, text: str, choice: Any, **more: Any) -> list[str]:
    with connect(url) as client:
        messages = [{"role": "user", "content": text}]
        answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS, tool_choice=choice, **more)
    return [call.function.name for call in answer.choices[0].message.tool_calls or ()]


def structured(url: str, model: str, text: str, *, with_tools: bool = False) -> dict[str, Any]:
    more: dict[str, Any] = {"tools": [openai.pydantic_function_tool(Reading, name="clock")]} if with_tools else {}
    with connect(url) as client:
        messages = [{"role": "user", "content": text}]
        answer = client.chat.completions.parse(model=model, messages=messages, response_format=Reading, **more)
    found = answer.choices[0].message.parsed
    assert found is not None
    return found.model_dump()


def image(url: str, model: str, data_url: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": data_url}}]
    with connect(url) as client:
        return told(client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}]))


def system_only(url: str, model: str, text: str) -> dict[str, Any]:
    with connect(url) as client:
        return told(client.chat.completions.create(model=model, messages=[{"role": "system", "content": text}]))


def several(url: str, model: str, text: str, n: int) -> list[str]:
    with connect(url) as client:
        messages = [{"role": "user", "content": text}]
        answer = client.chat.completions.create(model=model, messages=messages, n=n)
    return [choice.message.content or "" for choice in answer.choices]


def legacy(url: str, model: str, text: str) -> dict[str, Any]:
    """One round with `functions` and `function_call`, as clients of 2023 write them."""
    functions = [tool["function"] for tool in TOOLS]
    messages: list[Any] = [{"role": "user", "content": text}]
    with connect(url) as client:
        asked = client.chat.completions.create(model=model, messages=messages, functions=functions)
        call = asked.choices[0].message.function_call
        assert call is not None
        messages.append({"role": "assistant", "content": None, "function_call": call.model_dump()})
        messages.append({"role": "function", "name": call.name, "content": result_of(call.name, call.arguments)})
        answer = client.chat.completions.create(model=model, messages=messages, functions=functions)
    return {"finish": asked.choices[0].finish_reason, "name": call.name, "text": answer.choices[0].message.content}


def code(url: str, model: str, text: str) -> dict[str, Any]:
    with connect(url) as client:
        try:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
        except openai.APIStatusError as error:
            return {"status": error.status_code, "code": error.code}
    return {"status": 200, "code": None}


def model(url: str, name: str) -> str:
    with connect(url) as client:
        return client.models.retrieve(name).id


serve(
    plain=plain,
    stream=stream,
    loop=loop,
    streamed_calls=streamed_calls,
    forced=forced,
    structured=structured,
    image=image,
    system_only=system_only,
    several=several,
    legacy=legacy,
    code=code,
    model=model,
)
