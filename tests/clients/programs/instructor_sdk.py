"""instructor over OpenAI's client: tools, JSON and JSON schema as ways to a Pydantic object."""

from typing import Any

import instructor
import openai
from lines import serve
from pydantic import BaseModel


class Reading(BaseModel):
    """A reading."""

    city: str
    degrees: int


MODES = {"tools": instructor.Mode.TOOLS, "json": instructor.Mode.JSON, "schema": instructor.Mode.JSON_SCHEMA}


def ask(url: str, model: str, text: str, mode: str, retries: int = 0) -> tuple[Reading, Any]:
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=retries) as plain:
        client = instructor.from_openai(plain, mode=MODES[mode])
        return client.chat.completions.create_with_completion(
            model=model, response_model=Reading, messages=[{"role": "user", "content": text}], max_retries=1
        )


def structured(url: str, model: str, text: str, mode: str = "tools") -> dict[str, Any]:
    return ask(url, model, text, mode)[0].model_dump()


def plain(url: str, model: str, text: str, retries: int = 0) -> dict[str, Any]:
    """instructor has no plain text: the object stands for it."""
    found, answer = ask(url, model, text, "schema", retries)
    usage = answer.usage
    return {"text": found.model_dump_json(), "input": usage.prompt_tokens, "output": usage.completion_tokens}


def partial(url: str, model: str, text: str) -> dict[str, Any]:
    """The object as it grows."""
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0) as plain:
        client = instructor.from_openai(plain, mode=instructor.Mode.TOOLS)
        *_, last = client.chat.completions.create_partial(
            model=model, response_model=Reading, messages=[{"role": "user", "content": text}]
        )
    found: dict[str, Any] = last.model_dump()
    return found


serve(structured=structured, plain=plain, partial=partial)
