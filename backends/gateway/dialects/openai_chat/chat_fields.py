"""What claw does with every field of OpenAI's chat completions request, and with others that clients send.

The table is complete: docs/clients.md is written from it, and the caller hears of every field that it does not name.
Source: openai 3.57.0, types/chat/completion_create_params.py and the types it refers to, read on 2026-11-30.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from backends.gateway.http_errors import HttpError

Treatment = Literal["carried", "translated", "accepted", "named", "refused"]
"""Goes to the engine as it is; in another form; has no effect and needs none; has no effect and is named to the caller;
is refused with a 400 that names it."""

NAMED = 16
"""Fields without effect that one answer names."""
LETTERS = 64


class Field(Struct, frozen=True):
    """`harmless` are values of a field which ask for nothing, so that they are neither named nor refused."""

    treatment: Treatment
    how: str = ""
    harmless: tuple[Any, ...] = ()


_CARRIED = Field("carried")
_ACCEPTED = Field("accepted")
_CACHED = Field("accepted", "engines here cache by themselves")
_THOUGHTS = Field("accepted", "an engine's earlier thoughts are not read again")
_CUSTOM = Field("refused", "tools of the type custom have no counterpart at any engine here")

FIELDS: dict[str, dict[str, Field]] = {
    "": {
        "messages": _CARRIED,
        "model": Field("translated", "a route, an agent, an engine's model, or a name of gateway.models"),
        "audio": Field("refused", "answers are text"),
        "deadline_ms": Field("translated", "milliseconds for the whole answer; claw's own"),
        "extra_body": Field("translated", "`google.thinking_config`, as Google's OpenAI-compatible API takes it"),
        "frequency_penalty": _CARRIED,
        "function_call": Field("translated", "tool_choice; the answer then has function_call too"),
        "functions": Field("translated", "tools"),
        "google": Field("translated", "`thinking_config`, as in extra_body"),
        "logit_bias": _CARRIED,
        "logprobs": Field("refused", "no engine's probabilities are passed on", (False,)),
        "max_completion_tokens": _CARRIED,
        "max_tokens": Field("translated", "max_completion_tokens, where that is not given"),
        "metadata": _ACCEPTED,
        "min_p": _CARRIED,
        "modalities": Field("refused", "answers are text", (["text"], [])),
        "moderation": Field("named", "nothing is moderated here"),
        "n": Field("translated", "as many calls, 8 at the most, each with a row and a cost of its own"),
        "parallel_tool_calls": _CARRIED,
        "prediction": Field("named", "no engine here takes one"),
        "presence_penalty": _CARRIED,
        "prompt_cache_key": _CACHED,
        "prompt_cache_options": _CACHED,
        "prompt_cache_retention": _CACHED,
        "reasoning_effort": Field("translated", "the engine's measure of thinking; none is its least, max is xhigh"),
        "response_format": _CARRIED,
        "safety_identifier": _ACCEPTED,
        "seed": _CARRIED,
        "service_tier": _ACCEPTED,
        "stop": _CARRIED,
        "store": Field("named", "nothing is stored for later calls", (False,)),
        "stream": _CARRIED,
        "stream_options": _CARRIED,
        "temperature": _CARRIED,
        "tool_choice": _CARRIED,
        "tools": _CARRIED,
        "top_k": _CARRIED,
        "top_logprobs": Field("refused", "no engine's probabilities are passed on", (0,)),
        "top_p": _CARRIED,
        "user": _ACCEPTED,
        "verbosity": Field("named", "say in the prompt how long the answer is to be", ("medium",)),
        "web_search_options": Field("refused", "no engine here searches the web"),
    },
    "stream_options": {
        "include_obfuscation": Field("accepted", "chunks are never padded"),
        "include_usage": _CARRIED,
    },
    "response_format": {"type": _CARRIED, "json_schema": _CARRIED},
    "response_format.json_schema": {
        "description": Field("translated", "the schema's own description, where it has none"),
        "name": _CARRIED,
        "schema": _CARRIED,
        "strict": _CARRIED,
    },
    "messages[]": {
        "annotations": _ACCEPTED,
        "audio": Field("refused", "a spoken answer is not kept here: send its text"),
        "cache_control": _CACHED,
        "content": _CARRIED,
        "extra_content": Field("translated", "`google.thought_signature` of a text"),
        "function_call": Field("translated", "tool_calls"),
        "id": _ACCEPTED,
        "name": _CARRIED,
        "provider_specific_fields": Field("translated", "`thought_signature`, as LiteLLM hands it on"),
        "reasoning": _THOUGHTS,
        "reasoning_content": _THOUGHTS,
        "reasoning_details": _THOUGHTS,
        "refusal": Field("translated", "the text of an assistant's message that has none"),
        "role": Field("translated", "developer is system, function is tool"),
        "thinking_blocks": _THOUGHTS,
        "tool_call_id": _CARRIED,
        "tool_calls": _CARRIED,
    },
    "messages[].content[]": {
        "annotations": _ACCEPTED,
        "cache_control": _CACHED,
        "file": _CARRIED,
        "image_url": _CARRIED,
        "input_audio": _CARRIED,
        "prompt_cache_breakpoint": _CACHED,
        "refusal": Field("translated", "text"),
        "text": _CARRIED,
        "type": Field("carried", "text, image_url, input_audio, file, refusal; thinking and reasoning are skipped"),
    },
    "messages[].content[].image_url": {
        "detail": Field("named", "each engine sees images in its own resolution", ("auto",)),
        "format": Field("accepted", "the data: URL says it"),
        "url": Field("translated", "the bytes of a data: URL; nothing is fetched"),
    },
    "messages[].content[].input_audio": {
        "data": _CARRIED,
        "format": Field("translated", "wav or mp3, as a media type"),
    },
    "messages[].content[].file": {
        "file_data": Field("translated", "the bytes of a PDF"),
        "file_id": Field("refused", "no files are kept here: send file_data"),
        "filename": _ACCEPTED,
        "format": Field("accepted", "the data: URL says it"),
    },
    "messages[].tool_calls[]": {
        "cache_control": _CACHED,
        "custom": _CUSTOM,
        "extra_content": Field("translated", "`google.thought_signature`"),
        "function": _CARRIED,
        "id": _CARRIED,
        "index": _ACCEPTED,
        "provider_specific_fields": Field("translated", "`thought_signature`, as LiteLLM hands it on"),
        "type": _CARRIED,
    },
    "messages[].tool_calls[].function": {"arguments": _CARRIED, "name": _CARRIED},
    "messages[].function_call": {"arguments": _CARRIED, "name": _CARRIED},
    "tools[]": {
        "cache_control": _CACHED,
        "custom": _CUSTOM,
        "function": _CARRIED,
        "type": _CARRIED,
    },
    "tools[].function": {
        "cache_control": _CACHED,
        "description": _CARRIED,
        "name": Field("carried", "up to 128 printable characters without spaces; engines that know fewer rename it"),
        "parameters": _CARRIED,
        "strict": _CARRIED,
    },
    "functions[]": {"description": _CARRIED, "name": _CARRIED, "parameters": _CARRIED},
    "extra_body": {"google": Field("translated", "`thinking_config`")},
    "google": {"thinking_config": Field("translated", "reasoning_effort and the most thinking tokens")},
    "thinking_config": {
        "include_thoughts": Field("named", "thoughts are not passed on", (False,)),
        "thinking_budget": Field("translated", "the most thinking tokens; -1 leaves it to the engine"),
        "thinking_level": Field("translated", "reasoning_effort"),
    },
}
"""By place in the body; "" is the body itself."""

_QUIET = {
    place: frozenset(name for name, field in fields.items() if field.treatment in ("carried", "translated", "accepted"))
    for place, fields in FIELDS.items()
}


class IgnoredFields:
    """Collects the fields of a request that have no effect. It reads keys only, some 0.2 µs for each object."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def check(self, place: str, value: Mapping[str, Any], where: str = "") -> None:
        """`value` stands at `place`; `where` is that with its indexes. Raises HttpError (400) for what is refused."""
        strange = value.keys() - _QUIET[place]
        if not strange:
            return
        fields = FIELDS[place]
        for name in sorted(strange):
            given, field = value[name], fields.get(name)
            if given is None or (field is not None and any(given == each for each in field.harmless)):
                continue
            if field is not None and field.treatment == "refused":
                path = f"{where}.{name}".lstrip(".")
                raise HttpError(400, "unsupported", f"{path} is not supported: {field.how}", param=path)
            self._names[_plain(f"{place}.{name}".lstrip("."))] = None

    def names(self) -> tuple[str, ...]:
        """The fields' names, as many as an answer names and how many more there are."""
        names = tuple(self._names)
        return names if len(names) <= NAMED else (*names[:NAMED], f"{len(names) - NAMED} more")


def _plain(name: str) -> str:
    """A caller's own name of a field, as it may stand in a header."""
    kept = "".join(letter if "!" <= letter <= "~" and letter != "," else "?" for letter in name[: LETTERS + 1])
    return kept if len(kept) <= LETTERS else f"{kept[:LETTERS]}..."
