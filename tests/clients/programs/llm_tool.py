"""Simon Willison's llm, its model declared in extra-openai-models.yaml as its documentation has it."""

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ["LLM_USER_PATH"] = tempfile.mkdtemp(prefix="llm-")

import llm
from lines import clock, serve, weather
from pydantic import BaseModel


class Reading(BaseModel):
    city: str
    degrees: int


def connect(url: str, model: str) -> Any:
    """The model by the way of llm's own settings file, which is JSON here: every JSON text is YAML."""
    entry = {
        "model_id": f"claw-{model}",
        "model_name": model,
        "api_base": url,
        "supports_tools": True,
        "supports_schema": True,
        "vision": True,
    }
    Path(os.environ["LLM_USER_PATH"], "extra-openai-models.yaml").write_text(json.dumps([entry]))
    return llm.get_model(f"claw-{model}")


def told(response: Any) -> dict[str, Any]:
    text, usage = response.text(), response.usage()
    return {"text": text, "input": usage.input, "output": usage.output}


def plain(url: str, model: str, text: str) -> dict[str, Any]:
    return told(connect(url, model).prompt(text, stream=False))


def stream(url: str, model: str, text: str) -> dict[str, Any]:
    response = connect(url, model).prompt(text, stream=True)
    return {"text": "".join(response), "input": response.usage().input, "output": response.usage().output}


def loop(url: str, model: str, turns: list[str]) -> dict[str, Any]:
    talk = connect(url, model).conversation(tools=[weather, clock])
    steps: list[list[str]] = []
    answers: list[str] = []
    for turn in turns:
        responses = list(talk.chain(turn).responses())
        answers.append(responses[-1].text())
        steps += [[str(call.arguments) for call in each.tool_calls()] for each in responses if each.tool_calls()]
    return {"steps": steps, "answers": answers}


def structured(url: str, model: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(connect(url, model).prompt(text, schema=Reading).text())
    return found


def image(url: str, model: str, data_url: str) -> dict[str, Any]:
    picture = llm.Attachment(type="image/png", content=base64.b64decode(data_url.partition(",")[2]))
    return told(connect(url, model).prompt("What is this?", attachments=[picture], stream=False))


serve(plain=plain, stream=stream, loop=loop, structured=structured, image=image)
