"""LiteLLM's SDK with the prefix `openai/`, as its documentation has it for any server of OpenAI's dialect."""

import json
import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else its list of prices is fetched from the net

import litellm
from lines import TOOLS, result_of, serve
from pydantic import BaseModel

litellm.suppress_debug_info = True


class Reading(BaseModel):
    city: str
    degrees: int


def ask(url: str, model: str, messages: list[Any], retries: int = 0, **more: Any) -> Any:
    return litellm.completion(
        model=f"openai/{model}", api_base=url, api_key="unused", messages=messages, max_retries=retries, **more
    )


def told(answer: Any) -> dict[str, Any]:
    text, usage = answer.choices[0].message.content or "", answer.usage
    return {"text": text, "input": usage.prompt_tokens, "output": usage.completion_tokens}


def plain(url: str, model: str, text: str, retries: int = 0, **more: Any) -> dict[str, Any]:
    return told(ask(url, model, [{"role": "user", "content": text}], retries, **more))


def stream(url: str, model: str, text: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    chunks = list(ask(url, model, messages, stream=True, stream_options={"include_usage": True}))
    return told(litellm.stream_chunk_builder(chunks, messages=messages))


def loop(url: str, model: str, turns: list[str], *, backwards: bool = False, streamed: bool = False) -> dict[str, Any]:
    messages: list[Any] = []
    steps: list[list[str]] = []
    answers: list[str] = []
    for turn in turns:
        messages.append({"role": "user", "content": turn})
        while True:
            answer = ask(url, model, messages, tools=TOOLS, stream=streamed)
            if streamed:
                answer = litellm.stream_chunk_builder(list(answer), messages=messages)
            message = answer.choices[0].message
            messages.append(message)
            if not message.tool_calls:
                answers.append(message.content or "")
                break
            steps.append([call.function.arguments for call in message.tool_calls])
            results = [
                {
                    "role": "tool",
                    "tool_call_id": call.id,
                    "content": result_of(call.function.name, call.function.arguments),
                }
                for call in message.tool_calls
            ]
            messages += reversed(results) if backwards else results
    return {"steps": steps, "answers": answers}


def forced(url: str, model: str, text: str, choice: Any, **more: Any) -> list[str]:
    answer = ask(url, model, [{"role": "user", "content": text}], tools=TOOLS, tool_choice=choice, **more)
    return [call.function.name for call in answer.choices[0].message.tool_calls or ()]


def structured(url: str, model: str, text: str, *, with_tools: bool = False) -> dict[str, Any]:
    more: dict[str, Any] = {"tools": TOOLS} if with_tools else {}
    answer = ask(url, model, [{"role": "user", "content": text}], response_format=Reading, **more)
    found: dict[str, Any] = json.loads(answer.choices[0].message.content)
    return found


def image(url: str, model: str, data_url: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": data_url}}]
    return told(ask(url, model, [{"role": "user", "content": parts}]))


def system_only(url: str, model: str, text: str) -> dict[str, Any]:
    return told(ask(url, model, [{"role": "system", "content": text}]))


def several(url: str, model: str, text: str, n: int) -> list[str]:
    answer = ask(url, model, [{"role": "user", "content": text}], n=n)
    return [choice.message.content or "" for choice in answer.choices]


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
