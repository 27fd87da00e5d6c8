"""The body of a call to Gemini: turns, tools, configuration. Source: https://ai.google.dev/api/generate-content

What grows with the prompt is written as JSON values that bypass Google's client. The client would copy them several
times, take nine seconds for twenty thousand messages, and write signatures in another alphabet than Google did.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from backends.catalogue import Model, thinking_budget, thinking_level
from backends.catalogue.media import takes
from backends.engines.base import Call
from backends.engines.gemini.function_names import FunctionNames
from backends.engines.prompt_parts import arguments_of, instructions_in_place
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.types import Media, Message, Tool, ToolCall

if TYPE_CHECKING:
    from google.genai.types import GenerateContentConfig

PLACEHOLDER = "skip_thought_signature_validator"
"""What Google takes for the signature of a call that another model made.
Source: https://ai.google.dev/gemini-api/docs/thought-signatures#faqs"""

SIGNATURE = re.compile(r"[A-Za-z0-9+/_-]+={0,2}", re.ASCII)
CUT_OFF = "(The beginning of this conversation was left out.)"
GO_ON = "Continue."
MOST_STOPS = 5
SEEDS = 2**32  # half of them below 0; a larger seed wraps around
AS_JSON = "When you answer in text, answer with one JSON object and nothing else: no prose around it, no code fence."


def body(call: Call, model: Model, names: FunctionNames) -> dict[str, Any]:
    """The parts of the body that grow with the prompt, by the fields of generateContent.

    Raises EngineError "rejected" for a file of a type that the model does not take.
    """
    messages = list(instructions_in_place(call.messages))
    system = _system(messages)
    if instruction := instructed_format(call, model):
        system = f"{system}\n\n{instruction}" if system else instruction
    turns = _contents(messages, model, names) or [_turn("user", {"text": system or GO_ON})]
    fields: dict[str, Any] = {"contents": turns}
    if system:
        fields["systemInstruction"] = {"parts": [{"text": system}]}
    if call.tools:
        declared = {tool.name: _declaration(tool, names) for tool in reversed(call.tools)}
        fields["tools"] = [{"functionDeclarations": list(reversed(declared.values()))}]
        fields["toolConfig"] = {"functionCallingConfig": _choice(call.tool_choice, names)}
    config: dict[str, Any] = {}
    if call.response_format.kind == "schema" and not instruction:
        config["responseJsonSchema"] = call.response_format.schema
    if (level := thinking_level(model, call.effort, call.thinking_budget)) is not None:
        config["thinkingConfig"] = {"thinkingLevel": level.upper()}
    elif (budget := thinking_budget(model, call.effort, call.thinking_budget)) is not None:
        config["thinkingConfig"] = {"thinkingBudget": budget}
    return fields | ({"generationConfig": config} if config else {})


def whole_turns(call: Call, model: Model, names: FunctionNames, messages: int) -> int:
    """How many turns of the body lie within the first `messages` whole, whatever follows them."""
    return max(0, len(_contents(instructions_in_place(call.messages[:messages]), model, names)) - 1)


def configuration(call: Call, model: Model) -> GenerateContentConfig:
    """The settings beside `body`. Raises EngineError "rejected" for one of the wrong type."""
    from google.genai.types import GenerateContentConfig

    config: dict[str, Any] = {
        # Gemini counts thinking as output, so it needs room of its own beside the answer
        "max_output_tokens": min(call.most_output, model.max_output),
        **{name: value for name, value in _sampling(call).items() if name in model.sampling},
        "stop_sequences": list(call.stop[:MOST_STOPS]) or None,
        "candidate_count": 1,
        # one request for each call: without the client's tool loop and its continuation of long answers
        "automatic_function_calling": {"disable": True},
        "automatic_continuation": False,
    }
    if call.response_format.kind != "text" and not instructed_format(call, model):
        config["response_mime_type"] = "application/json"
    try:
        return GenerateContentConfig(**config)
    except ValueError:
        raise EngineError(
            "Gemini's client takes the request's settings for wrong: check its stop words and sampling", kind="rejected"
        ) from None


def ignored(call: Call, model: Model) -> tuple[str, ...]:
    """OpenAI's names of the settings that the model does not take; one that changes nothing is left out."""
    neutral = {"temperature": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}
    names = [
        name
        for name, value in _sampling(call).items()
        if value is not None and name not in model.sampling and value != neutral.get(name)
    ]
    names += [name for name, value in (("min_p", call.min_p), ("logit_bias", call.logit_bias)) if value]
    thinks_anyway = model.least_thinking > 0 or (model.levels and model.levels[0] not in ("none", "minimal"))
    wanted = call.effort not in (None, "none")
    if (wanted and model.thinking == "none") or (call.effort == "none" and thinks_anyway):
        names.append("reasoning_effort")
    if any(tool.strict for tool in call.tools):
        names.append("tools.strict")
    return tuple(names)


def instructed_format(call: Call, model: Model) -> str:
    """The format as an instruction, where the model takes no JSON format beside tools; else "".

    Before Gemini 3 it is refused: "Function calling with a response mime type: 'application/json' is unsupported".
    """
    form = call.response_format
    if form.kind == "text" or not call.tools or model.json_with_tools:
        return ""
    if form.kind == "schema" and form.schema:
        return f"{AS_JSON} It fits this JSON schema:\n{msgspec.json.encode(form.schema).decode()}"
    return AS_JSON


def _sampling(call: Call) -> dict[str, float | int | None]:
    return {
        "temperature": call.temperature,
        "top_p": call.top_p,
        "top_k": call.top_k,
        "frequency_penalty": call.frequency_penalty or None,
        "presence_penalty": call.presence_penalty or None,
        "seed": None if call.seed is None else (call.seed + SEEDS // 2) % SEEDS - SEEDS // 2,
    }


def _contents(messages: Iterable[Message], model: Model, names: FunctionNames) -> list[dict[str, Any]]:
    """Turns that alternate and begin with the user's. Tool results come first in their turn."""
    turns: list[dict[str, Any]] = []
    called: dict[str, str] = {}
    for message in messages:
        if message.role == "system":
            continue
        role = "model" if message.role == "assistant" else "user"
        called |= {wanted.id: wanted.name for wanted in message.tool_calls}
        parts = list(_parts(message, model, names, called))
        if parts and turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append(_turn(role, *parts))
    for turn in turns:
        if turn["role"] == "user":
            turn["parts"].sort(key=lambda part: "functionResponse" not in part)
        elif model.needs_signatures:
            _sign_first(turn["parts"])
    if turns and turns[0]["role"] == "model":
        turns.insert(0, _turn("user", {"text": CUT_OFF}))
    if turns and turns[-1]["role"] == "model" and model.ends_with_user:
        turns.append(_turn("user", {"text": GO_ON}))
    return turns


def _turn(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def _system(messages: Iterable[Message]) -> str:
    return "\n\n".join(message.text for message in messages if message.role == "system" and message.text)


def _parts(message: Message, model: Model, names: FunctionNames, called: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A message's parts; none for an empty one. `called` are the tools of the calls so far, by their ids."""
    files = [_inline(item, model) for item in message.media]
    if message.role == "tool":
        id = message.tool_call_id or ""
        name = message.name or called.get(id) or "tool"
        response = {"name": names.to_gemini(name), "response": _result(message.text)}
        yield {"functionResponse": {"id": id} | response if id else response}
        if files:  # files may not be part of a result
            yield {"text": f"(Came with the result of {name}, call {id}:)"}
        yield from files
        return
    yield from files
    signature = _usable(message.signature)
    if message.text or signature:
        yield {"text": message.text} | ({"thoughtSignature": signature} if signature else {})
    yield from (_called(wanted, names) for wanted in message.tool_calls)


def _called(call: ToolCall, names: FunctionNames) -> dict[str, Any]:
    part: dict[str, Any] = {
        "functionCall": {"id": call.id, "name": names.to_gemini(call.name), "args": arguments_of(call)}
    }
    if signature := _usable(call.signature):
        part["thoughtSignature"] = signature
    return part


def _sign_first(parts: list[dict[str, Any]]) -> None:
    """Gemini 3 looks for a signature on the first call of each step only."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None:
        first.setdefault("thoughtSignature", PLACEHOLDER)


def _usable(signature: str | None) -> str | None:
    """None for what cannot be base64: a client may send anything back."""
    return signature if signature and SIGNATURE.fullmatch(signature) else None


def _inline(media: Media, model: Model) -> dict[str, Any]:
    if not takes(model, media.media_type):
        raise EngineError(
            f"{model.name} takes no {one_line(media.media_type)}: send images as PNG, JPEG or WebP", kind="rejected"
        )
    return {"inlineData": {"mimeType": media.media_type, "data": base64.b64encode(media.data).decode()}}


def _result(text: str) -> dict[str, Any]:
    """Gemini takes a tool's result as an object only."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return {"result": text}


def _declaration(tool: Tool, names: FunctionNames) -> dict[str, Any]:
    declaration: dict[str, Any] = {"name": names.to_gemini(tool.name), "description": tool.description}
    return declaration | ({"parametersJsonSchema": tool.parameters} if tool.parameters else {})


def _choice(choice: str, names: FunctionNames) -> dict[str, Any]:
    if choice in ("auto", "none"):
        return {"mode": choice.upper()}
    return (
        {"mode": "ANY"} if choice == "required" else {"mode": "ANY", "allowedFunctionNames": [names.to_gemini(choice)]}
    )
