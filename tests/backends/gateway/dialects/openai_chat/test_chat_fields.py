"""No field of a chat completion is dropped in silence: each stands in the table, and becomes what the table says."""

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from openai.types.chat import completion_create_params as openai_params

from backends.gateway.dialects.field_table import NAMED, Field
from backends.gateway.dialects.openai_chat.chat_fields import FIELDS
from backends.gateway.dialects.openai_chat.chat_request import ChatRequest, read
from backends.gateway.http_errors import HttpError
from tests.backends.gateway.running_gateway import RunningGateway

HELLO = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "look"}}
PNG = "data:image/png;base64,iVBORw0KGgo="

SAYS: dict[str, Any] = {
    "messages": [{"role": "user", "content": "bye"}],
    "model": "local",
    "audio": {"voice": "ash", "format": "mp3"},
    "deadline_ms": 5000,
    "extra_body": {"google": {"thinking_config": {"thinking_budget": 800}}},
    "frequency_penalty": 0.5,
    "function_call": {"name": "look"},
    "functions": [{"name": "look"}],
    "google": {"thinking_config": {"thinking_level": "low"}},
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 5,
    "max_tokens": 5,
    "metadata": {"team": "red"},
    "min_p": 0.1,
    "modalities": ["text", "audio"],
    "moderation": {"model": "omni-moderation-latest"},
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "auto"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "safety_identifier": "u1",
    "seed": 2**40,
    "service_tier": "flex",
    "stop": ["END"],
    "store": True,
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "tool_choice": "none",
    "tools": [TOOL],
    "top_k": 40,
    "top_logprobs": 3,
    "top_p": 0.5,
    "user": "u1",
    "verbosity": "low",
    "web_search_options": {},
}


def wish(**fields: Any) -> ChatRequest:
    return read(msgspec.json.encode({"model": "auto", "messages": HELLO} | fields))


def beside(name: str) -> dict[str, Any]:
    """What else must be said for a field to be about anything."""
    return {"functions": [{"name": "look"}]} if name == "function_call" else {}


@pytest.mark.parametrize(("name", "field"), FIELDS[""].items(), ids=FIELDS[""])
def test_each_field_of_the_body_becomes_what_the_table_says(name: str, field: Field) -> None:
    plain = wish(**beside(name))
    if field.treatment == "refused":
        with pytest.raises(HttpError) as refused:
            wish(**{name: SAYS[name]})
        assert (refused.value.http_status, refused.value.kind, refused.value.param) == (400, "unsupported", name)
        return
    told = wish(**beside(name), **{name: SAYS[name]})
    if field.treatment == "named":
        assert told.ignored == (name,)
        assert msgspec.structs.replace(told, ignored=()) == plain
    elif field.treatment == "accepted":
        assert told == plain
    else:
        assert told != plain
        assert told.ignored == ()


@pytest.mark.parametrize("name", FIELDS[""])
def test_null_is_the_same_as_absent(name: str) -> None:
    if name not in ("messages", "model"):
        assert wish(**{name: None}) == wish()


@pytest.mark.parametrize(
    "fields",
    [
        {"logprobs": False, "top_logprobs": 0},
        {"modalities": ["text"]},
        {"store": False},
        {"verbosity": "medium"},
        {"stream_options": {"include_obfuscation": True}},
        {"n": 1, "stream": False},
    ],
)
def test_a_value_that_asks_for_nothing_is_neither_refused_nor_named(fields: dict[str, Any]) -> None:
    assert wish(**fields) == wish()


def tables_of(kind: Any) -> list[Any]:
    """Every TypedDict that a value of `kind` may be, or have as an item."""
    if hasattr(kind, "__total__"):  # as typing has it, or typing_extensions
        return [kind]
    return [found for part in get_args(kind) for found in tables_of(part)]


def within(tables: list[Any], *names: str) -> list[Any]:
    """Every TypedDict that may stand under these keys."""
    for name in names:
        tables = [found for table in tables for found in tables_of(get_type_hints(table).get(name))]
    return tables


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("", ()),
        ("stream_options", ("stream_options",)),
        ("response_format", ("response_format",)),
        ("response_format.json_schema", ("response_format", "json_schema")),
        ("messages[]", ("messages",)),
        ("messages[].content[]", ("messages", "content")),
        ("messages[].content[].image_url", ("messages", "content", "image_url")),
        ("messages[].content[].input_audio", ("messages", "content", "input_audio")),
        ("messages[].content[].file", ("messages", "content", "file")),
        ("messages[].tool_calls[]", ("messages", "tool_calls")),
        ("messages[].tool_calls[].function", ("messages", "tool_calls", "function")),
        ("messages[].function_call", ("messages", "function_call")),
        ("tools[]", ("tools",)),
        ("tools[].function", ("tools", "function")),
        ("functions[]", ("functions",)),
    ],
)
def test_every_field_that_openais_client_can_send_stands_in_the_table(place: str, names: tuple[str, ...]) -> None:
    body = [openai_params.CompletionCreateParamsStreaming, openai_params.CompletionCreateParamsNonStreaming]
    sent = {key for table in within(body, *names) for key in get_type_hints(table)}
    assert sent
    assert not sent - FIELDS[place].keys()


def test_fields_that_nobody_knows_are_named_and_bounded() -> None:
    told = wish(enable_thinking=False, **{"a,b\n\u00e9" + "x" * 100: 1})
    assert told.ignored == ("a?b??" + "x" * 59 + "...", "enable_thinking")
    many = wish(**{f"field{number:03}": 1 for number in range(500)}).ignored
    assert len(many) == NAMED + 1
    assert many[-1] == f"{500 - NAMED} more"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"stream_options": {"continuous_usage_stats": True}}, "stream_options.continuous_usage_stats"),
        ({"response_format": {"type": "text", "strictness": 1}}, "response_format.strictness"),
        ({"messages": [{"role": "user", "content": "hi", "mood": "good"}]}, "messages[].mood"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "lang": "en"}]}]},
            "messages[].content[].lang",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}]}
                ]
            },
            "messages[].content[].image_url.detail",
        ),
        ({"tools": [TOOL | {"defer": True}]}, "tools[].defer"),
        ({"tools": [{"type": "function", "function": {"name": "look", "examples": []}}]}, "tools[].function.examples"),
        ({"functions": [{"name": "look", "cost": 1}]}, "functions[].cost"),
        ({"google": {"cached_content": "c"}}, "google.cached_content"),
        (
            {"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}},
            "thinking_config.include_thoughts",
        ),
    ],
)
def test_what_stands_deeper_and_has_no_effect_is_named_by_its_place(fields: dict[str, Any], named: str) -> None:
    assert wish(**fields).ignored == (named,)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, "messages[0].audio"),
        (
            {"messages": [*HELLO, {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
            "messages[1].content[0].file.file_id",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "x"}}]}
                ]
            },
            "messages[0].tool_calls[0].custom",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}, "messages[0].content[0]"),
        ({"tools": [{"type": "custom", "custom": {"name": "grep"}}]}, "tools[0]"),
        ({"tools": [{"type": "web_search", "name": "search"}]}, "tools[0]"),
        ({"tools": [TOOL], "tool_choice": {"type": "custom", "custom": {"name": "grep"}}}, "tool_choice"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(HttpError) as refused:
        wish(**fields)
    assert (refused.value.http_status, refused.value.kind, refused.value.param) == (400, "unsupported", param)


def test_a_tool_of_another_type_is_refused_by_its_name() -> None:
    with pytest.raises(HttpError, match="grep"):
        wish(tools=[{"type": "custom", "custom": {"name": "grep"}}])


def test_a_tool_of_another_type_beside_functions_is_left_out_and_named() -> None:
    told = wish(tools=[TOOL, {"type": "custom", "custom": {"name": "grep"}}])
    assert [tool.name for tool in told.tools] == ["look"]
    assert "tools[].grep" in told.ignored


def test_what_other_clients_add_harmlessly_is_not_named() -> None:
    told = wish(
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "text", "text": "yo"}],
                "reasoning_content": "hm",
                "annotations": [],
                "refusal": None,
                "tool_calls": [
                    {"id": "a", "index": 0, "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
        ],
        tools=[TOOL | {"cache_control": {"type": "ephemeral"}}],
    )
    assert told.ignored == ()
    assert [message.text for message in told.messages] == ["hi", "yo"]


def test_a_client_may_say_how_hard_to_think_in_either_dialect() -> None:
    for said, effort, budget in (
        ({"reasoning_effort": "none"}, "none", None),
        ({"reasoning_effort": "max"}, "xhigh", None),
        ({"google": {"thinking_config": {"thinking_level": "HIGH"}}}, "high", None),
        ({"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}}, "none", 0),
        ({"extra_body": {"google": {"thinking_config": {"thinking_budget": 800}}}}, None, 800),
        ({"extra_body": {"google": {"thinking_config": {"thinking_budget": -1}}}}, None, None),
    ):
        sampling = wish(**said).sampling
        assert (sampling.effort, sampling.thinking_budget) == (effort, budget)


async def test_what_has_no_effect_is_named_in_a_header_and_in_the_notes(gateway: RunningGateway) -> None:
    sent = {"model": "auto", "messages": HELLO, "verbosity": "low", "frobnicate": 1}
    gateway.core.ends = {"ignored": ("verbosity", "top_k")}
    raw = await gateway.dial(gateway.post(msgspec.json.encode(sent)))
    _, headers, body = await raw.answer()
    assert headers["x-claw-ignored"] == "frobnicate, verbosity, top_k"
    assert msgspec.json.decode(body)["claw"]["notes"] == ["ignored: frobnicate, verbosity, top_k"]
    gateway.core.routed = {"ignored": ("verbosity", "top_k")}
    raw = await gateway.dial(gateway.post(msgspec.json.encode(sent | {"stream": True})))
    assert (await raw.head())[1]["x-claw-ignored"] == "frobnicate, verbosity, top_k"
