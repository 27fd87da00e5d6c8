"""Each field of a call reaches a local engine, or the engine names it: none is dropped in silence."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import fields
from msgspec.structs import replace as changed

from backends.engines.base import Call
from backends.engines.ollama import OllamaClient
from backends.engines.ollama.chat_body import chat_body
from backends.engines.openai.completion_body import completion_body
from backends.engines.plain_text import as_json
from backends.engines.registry import clients
from backends.errors import EngineError
from backends.settings.engines import Engine, OllamaSettings, OpenAISettings
from backends.types import Media, Message, ResponseFormat, Tool, ToolCall
from tests.backends.engines.rig import CALL, LOCAL_ENDPOINT

TOOL = Tool(name="get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
OTHER = Tool(name="get_time")
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}

VALUES: dict[str, Any] = {
    "model": "qwen3:8b",
    "messages": (Message(role="user", text="another"),),
    "tools": (TOOL, OTHER),
    "tool_choice": "get_time",
    "parallel_tool_calls": False,
    "response_format": ResponseFormat(kind="schema", schema=SCHEMA),
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.05,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.25,
    "logit_bias": (("50256", -100.0),),
    "seed": 7,
    "stop": ("END",),
    "max_output": 99,
    "effort": "high",
    "logprobs": True,
}
"""Another value for each field that says what an answer is to be."""

OURS = {
    "id",
    "thinking_budget",
    "input_tokens",
    "most_tokens",
    "size",
    "first_byte_s",
    "idle_s",
    "send_state",
    "explicit_cache",
}
"""Fields that are no wish of the caller's: ids, counts, time limits, and the room that is set aside for thinking."""

HELD_AFTERWARDS = {"parallel_tool_calls"}
"""Ollama has no word for it: what it calls beyond is left out of its answer, and that is said."""

BODIES: dict[str, Callable[[Call], dict[str, Any]]] = {
    "ollama": lambda call: chat_body(call, OllamaSettings(), 16_384),
    "openai": lambda call: completion_body(call, LOCAL_ENDPOINT),
}
SETTINGS: dict[str, Engine] = {"ollama": OllamaSettings(), "openai": OpenAISettings()}
IGNORED = {("ollama", "logit_bias"): "logit_bias", ("ollama", "effort"): "reasoning_effort"}


def test_the_table_has_every_field() -> None:
    assert set(VALUES) | OURS == {field.name for field in fields(Call)}


@pytest.mark.parametrize("kind", ["ollama", "openai"])
@pytest.mark.parametrize("field", sorted(VALUES))
async def test_no_field_is_dropped_in_silence(kind: str, field: str) -> None:
    base = changed(CALL, tools=(TOOL, OTHER)) if field in ("tool_choice", "parallel_tool_calls") else CALL
    call = changed(base, **{field: VALUES[field]})
    (engine,) = clients("local", SETTINGS[kind])
    named = IGNORED.get((kind, field))
    assert engine.ignores(call) == ((named,) if named else ())
    reaches = BODIES[kind](call) != BODIES[kind](base)
    assert reaches is (named is None and not (kind == "ollama" and field in HELD_AFTERWARDS))
    await engine.close()


@pytest.mark.parametrize(
    ("model", "effort", "think"),
    [
        ("qwen2.5:14b", "none", None),
        ("qwen3:8b", "none", False),
        ("qwen3:8b", "low", True),
        ("qwen3-coder:30b", "high", None),
        ("gpt-oss:20b", "none", "low"),
        ("gpt-oss:20b", "medium", "medium"),
        ("gpt-oss:20b", "xhigh", "high"),
    ],
)
def test_effort_is_said_in_the_models_own_way(model: str, effort: Any, think: Any) -> None:
    body = chat_body(changed(CALL, model=model, effort=effort), OllamaSettings(), 16_384)
    assert body.get("think") == think


def test_effort_for_an_openai_compatible_server() -> None:
    assert completion_body(changed(CALL, effort="none"), LOCAL_ENDPOINT)["chat_template_kwargs"] == {
        "enable_thinking": False
    }
    assert completion_body(changed(CALL, effort="minimal"), LOCAL_ENDPOINT)["reasoning_effort"] == "low"


async def test_strict_tools_are_carried_or_named() -> None:
    call = changed(CALL, tools=(changed(TOOL, strict=True),))
    assert completion_body(call, LOCAL_ENDPOINT)["tools"][0]["function"]["strict"] is True
    engine = OllamaClient("local", OllamaSettings())
    assert engine.ignores(call) == ("tools.strict",)
    await engine.close()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("seed", [-1, 2**31, 2**63, -(2**70)])
def test_a_seed_of_any_size_is_one_of_31_bits(body: Callable[[Call], dict[str, Any]], seed: int) -> None:
    sent = body(changed(CALL, seed=seed))
    assert 0 <= (sent["seed"] if "seed" in sent else sent["options"]["seed"]) < 2**31


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("media", ["application/pdf", "audio/wav", "image/bmp"])
def test_a_file_that_is_not_taken_is_refused_by_name(body: Callable[[Call], dict[str, Any]], media: str) -> None:
    message = Message(role="user", text="look", media=(Media(media_type=media, data=b"x"),))
    with pytest.raises(EngineError, match=media) as caught:
        body(changed(CALL, messages=(message,)))
    assert caught.value.kind == "rejected"


@pytest.mark.parametrize(("kind", "taken"), [("ollama", False), ("openai", True)])
def test_a_gif_goes_where_gifs_are_taken(kind: str, taken: bool) -> None:
    call = changed(CALL, messages=(Message(role="user", media=(Media(media_type="image/gif", data=b"GIF89a"),)),))
    if taken:
        assert "image/gif" in str(BODIES[kind](call))
    else:
        with pytest.raises(EngineError, match="image/gif"):
            BODIES[kind](call)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_files_of_results_stand_in_a_users_message_behind_them(body: Callable[[Call], dict[str, Any]]) -> None:
    image = Media(media_type="image/png", data=b"\x89PNG")
    two = tuple(ToolCall(id=id_, name="shot", arguments="{}") for id_ in "ab")
    messages = (
        Message(role="user", text="look"),
        Message(role="assistant", tool_calls=two),
        Message(role="tool", tool_call_id="a", name="shot", media=(image,)),
        Message(role="tool", tool_call_id="b", name="shot", text="nothing"),
    )
    sent = body(changed(CALL, messages=messages))["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool", "user"]
    assert "iVBORw==" in str(sent[4])
    assert "iVBORw==" not in str(sent[:4])
    assert sent[2]["content"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("arguments", ["[1", "[1]", '"x"'])
def test_earlier_arguments_that_are_no_object_are_given_as_text(
    body: Callable[[Call], dict[str, Any]], arguments: str
) -> None:
    called = Message(role="assistant", tool_calls=(ToolCall(id="a", name="f", arguments=arguments),))
    sent = str(body(changed(CALL, messages=(Message(role="user", text="x"), called)))["messages"])
    assert "unparsed" in sent


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_half_a_surrogate_pair_is_replaced(body: Callable[[Call], dict[str, Any]]) -> None:
    lone, pair = "a\ud800b", "\ud83d\ude00"
    call = changed(
        CALL, messages=(Message(role="user", text=lone + pair),), tools=(changed(TOOL, description=lone),), stop=(lone,)
    )
    sent = as_json(body(call)).decode()
    assert sent.count("a�b") == 3
    assert "😀" in sent


def test_turns_of_one_role_are_one_for_a_chat_template() -> None:
    messages = (
        Message(role="system", text="Be brief."),
        Message(role="system", text="Be kind."),
        Message(role="user", text="a"),
        Message(role="user", text="b"),
        Message(role="assistant", text=""),
        Message(role="assistant", text="I look."),
        Message(role="assistant", tool_calls=(ToolCall(id="a", name="f", arguments="{}"),)),
        Message(role="tool", tool_call_id="a", text="1"),
        Message(role="system", text="In French."),
        Message(role="user", text="c"),
    )
    sent = completion_body(changed(CALL, messages=messages), LOCAL_ENDPOINT)["messages"]
    assert [(message["role"], message["content"]) for message in sent] == [
        ("system", "Be brief.\n\nBe kind."),
        ("user", "a\n\nb"),
        ("assistant", "I look."),
        ("tool", "1"),
        ("user", "In French.\n\nc"),
    ]
    assert sent[2]["tool_calls"][0]["id"] == "a"
    alone = completion_body(changed(CALL, messages=messages[:1]), LOCAL_ENDPOINT)["messages"]
    assert alone == [{"role": "user", "content": "Be brief."}]


def test_probabilities_are_not_asked_for_beside_tools() -> None:
    assert "logprobs" not in completion_body(changed(CALL, logprobs=True, tools=(TOOL,)), LOCAL_ENDPOINT)
