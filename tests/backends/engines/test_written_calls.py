"""Tool calls that a model writes as text: read where nothing else can be meant, and not a half of them heard."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from backends.engines import written_calls
from backends.engines.base import Call, EngineChunk, Finished, Text, ToolCalls
from backends.engines.tool_reading import ToolReading
from backends.engines.written_calls import may_begin, read
from backends.errors import EngineError
from backends.types import ResponseFormat, Tool, ToolCall
from tests.backends.engines.rig import CALL, LOCAL_ENDPOINT

LIGHTS = Tool(
    name="set_lights",
    parameters={"type": "object", "properties": {"room": {"type": "string"}, "level": {"type": "integer"}}},
)
CLOCK = Tool(name="get_time")
TOOLS = {tool.name: tool.parameters for tool in (LIGHTS, CLOCK)}
WITH_TOOLS = changed(CALL, tools=(LIGHTS, CLOCK))

ONE = '{"name": "set_lights", "arguments": {"room": "hall", "level": 3}}'
XML = "<function=set_lights>\n<parameter=room>\n007\n</parameter>\n<parameter=level>\n3\n</parameter>\n</function>"

FORMS = {
    "tags": f"<tool_call>\n{ONE}\n</tool_call>",
    "a tag without its end": f"<tool_call>\n{ONE}\n",
    "a tag and the end of the turn": f"<tool_call>{ONE}</tool_call><|im_end|>\n",
    "qwen coder's tags": f"<tools>\n{ONE}\n</tools>",
    "tags around a fence": f"<tool_call>\n```json\n{ONE}\n```\n</tool_call>",
    "phi's and granite's mark": f"<|tool_call|>[{ONE}]<|/tool_call|>",
    "granite's list": f"<tool_call>[{ONE}]",
    "mistral's mark": f"[TOOL_CALLS] [{ONE}]",
    "mistral's newer mark": '[TOOL_CALLS]set_lights[ARGS]{"room": "hall", "level": 3}',
    "llama's mark": '<|python_tag|>{"name": "set_lights", "parameters": {"room": "hall", "level": 3}}',
    "llama's function": '<function=set_lights>{"room": "hall", "level": 3}</function>',
    "bare": ONE,
    "a bare list": f"[{ONE}]",
    "a fence": f"```json\n{ONE}\n```",
    "a fence of no language": f"```\n{ONE}\n```\n",
    "openai's nesting": f'{{"type": "function", "function": {ONE}}}',
    "openai's list": f'{{"tool_calls": [{{"id": "a", "type": "function", "function": {ONE}}}]}}',
    "arguments as text": json.dumps({"name": "set_lights", "arguments": '{"room": "hall", "level": 3}'}),
}

NO_CALLS = {
    "prose": "The lights are off now.",
    "another object": '{"name": "my-app", "version": "1.0.0"}',
    "an undeclared tool, bare": '{"name": "reboot", "arguments": {}}',
    "a list of links": "[the manual](https://example.org)",
    "code": "```python\nprint(1)\n```",
    "another language's marks": "<config>\n<tools>\n<tool name='x'/>\n</tools>\n</config>",
    "a mark that opens nothing": "<tool_call> is a mark of Qwen's.",
    "talk of a tag": f"Write `<tool_call>{ONE}</tool_call>` to call it.",
    "talk of a tag in a fence": f"As this:\n```\n<tool_call>\n{ONE}\n</tool_call>\n```\nand no other way.",
}

FAILED = {
    "cut JSON in tags": f"<tool_call>\n{ONE[:-2]}\n</tool_call>",
    "cut JSON, bare": ONE[:-1],
    "an undeclared tool in tags": '<tool_call>{"name": "reboot", "arguments": {}}</tool_call>',
    "arguments that are a list": '<tool_call>{"name": "set_lights", "arguments": ["hall"]}</tool_call>',
    "words after a bare call": f"{ONE} That should do.",
    "words after a tag": f"<tool_call>{ONE}</tool_call> That should do.",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_each_way_to_write_a_call_is_read(text: str) -> None:
    ((name, arguments),) = read(text, TOOLS).calls
    assert (name, json.loads(arguments)) == ("set_lights", {"room": "hall", "level": 3})


def test_parameters_in_xml_are_of_the_kind_that_the_tool_wants() -> None:
    ((_, arguments),) = read(f"<tool_call>\n{XML}\n</tool_call>", TOOLS).calls
    assert json.loads(arguments) == {"room": "007", "level": 3}


@pytest.mark.parametrize("text", NO_CALLS.values(), ids=NO_CALLS)
def test_what_is_no_call_stays_text(text: str) -> None:
    found = read(text, TOOLS)
    assert (found.before, found.calls, found.failed) == (text, (), False)


@pytest.mark.parametrize("text", FAILED.values(), ids=FAILED)
def test_what_is_meant_as_a_call_and_cannot_be_read_is_known(text: str) -> None:
    found = read(text, TOOLS)
    assert (found.before, found.calls, found.failed) == (text, (), True)


def test_the_closing_mark_may_stand_in_an_argument() -> None:
    text = '<tool_call>{"name": "set_lights", "arguments": {"room": "</tool_call> x"}}</tool_call>'
    ((_, arguments),) = read(text, TOOLS).calls
    assert json.loads(arguments) == {"room": "</tool_call> x"}


def test_several_calls_and_the_words_before_them() -> None:
    found = read(f"I will.\n<tool_call>{ONE}</tool_call>\n<tool_call>{ONE}</tool_call>", TOOLS)
    assert (found.before, len(found.calls)) == ("I will.\n", 2)
    assert len(read(f"{ONE}\n{ONE}", TOOLS).calls) == 2


def test_json_that_was_asked_for_is_a_call_only_where_it_has_nothing_else() -> None:
    assert read(ONE, TOOLS, of_json=True).calls
    other = '{"name": "set_lights", "arguments": {}, "id": "7"}'
    assert read(other, TOOLS).calls
    assert not read(other, TOOLS, of_json=True).calls


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_no_beginning_of_a_call_is_taken_for_prose(text: str) -> None:
    assert all(may_begin(text[:size], TOOLS) is not False for size in range(len(text)))


@pytest.mark.parametrize("text", ["The lights", "[the", "{1", '{"name": "my-app",', "```python\n", "<b>"])
def test_prose_shows_early(text: str) -> None:
    assert may_begin(text, TOOLS) is False


# ---- in a stream


STOP = Finished(finish="stop")


def streamed(pieces: Sequence[str], *, finish: Finished = STOP, call: Call = WITH_TOOLS) -> list[EngineChunk]:
    reading = ToolReading(call, LOCAL_ENDPOINT)
    chunks: list[EngineChunk] = []
    for piece in pieces:
        chunks += reading.feed(Text(piece))
    return [*chunks, *reading.finish(finish)]


def texts(chunks: list[EngineChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, Text))


def calls(chunks: list[EngineChunk]) -> tuple[ToolCall, ...]:
    return tuple(call for chunk in chunks if isinstance(chunk, ToolCalls) for call in chunk.calls)


def cuts(text: str, sizes: list[int]) -> list[str]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return [*pieces, text[at:]]


@given(st.sampled_from(list(FORMS.values())), st.lists(st.integers(1, 9)), st.sampled_from(["", "I will.\n", "  \n"]))
def test_not_a_half_of_a_call_is_heard(text: str, sizes: list[int], before: str) -> None:
    if before.strip() and not text.startswith(written_calls.OPENERS):
        return  # only a mark makes a call of what follows prose
    chunks = streamed(cuts(before + text, sizes))
    assert texts(chunks) == (before if before.strip() else "")
    (call,) = calls(chunks)
    assert (call.name, json.loads(call.arguments)) == ("set_lights", {"room": "hall", "level": 3})
    assert call.id == "call_r1_text_1"
    assert isinstance(chunks[-1], Finished)
    assert chunks[-1].notes == ("1 tool call read from the answer's text",)


@given(st.sampled_from([*NO_CALLS.values(), *FAILED.values()]) | st.text(min_size=1), st.lists(st.integers(1, 9)))
def test_all_other_text_is_heard_to_the_letter(text: str, sizes: list[int]) -> None:
    chunks = streamed(cuts(text, sizes), call=changed(WITH_TOOLS, stop=("END",)))
    if not calls(chunks):
        assert texts(chunks) == (text if text.strip() else "")


def test_a_mark_that_opens_nothing_holds_nothing_up() -> None:
    reading = ToolReading(WITH_TOOLS, LOCAL_ENDPOINT)
    heard = [texts(reading.feed(Text(word))) for word in ("See ", "<too", "ls> ", "<tool ", "name>", " there.")]
    assert heard == ["See ", "", "", "<tools> <tool ", "name>", " there."]


def test_prose_is_heard_as_it_comes() -> None:
    reading = ToolReading(WITH_TOOLS, LOCAL_ENDPOINT)
    assert [texts(reading.feed(Text(word))) for word in ("It ", "is ", "<b", ">5", "</b>.")] == [
        "It ",
        "is ",
        "<b",
        ">5",
        "</b>.",
    ]


@pytest.mark.parametrize("call", [CALL, changed(WITH_TOOLS, tool_choice="none")])
def test_where_no_tool_may_be_called_nothing_is_held_back(call: Call) -> None:
    reading = ToolReading(call, LOCAL_ENDPOINT)
    assert texts(reading.feed(Text("<tool_call>"))) == "<tool_call>"
    assert texts(reading.feed(Text(ONE))) == ONE


def test_a_text_too_long_for_a_call_is_let_go() -> None:
    reading = ToolReading(WITH_TOOLS, LOCAL_ENDPOINT)
    piece = "x" * (written_calls.LONGEST // 2)
    assert texts(reading.feed(Text("<tool_call>{" + piece))) == ""
    assert len(texts(reading.feed(Text(piece)))) == len(piece) * 2 + len("<tool_call>{")
    assert texts(reading.feed(Text("more"))) == "more"


def test_a_call_that_was_cut_off_is_no_call() -> None:
    chunks = streamed([FORMS["tags"]], finish=Finished(finish="length"))
    assert not calls(chunks)
    assert texts(chunks) == FORMS["tags"]


def test_what_could_not_be_read_is_marked() -> None:
    marks = [chunk.unread_call for chunk in streamed([FAILED["cut JSON in tags"]]) if isinstance(chunk, Text)]
    assert marks == [True]


def test_only_the_tool_that_is_named_may_be_called() -> None:
    chunks = streamed([FORMS["tags"]], call=changed(WITH_TOOLS, tool_choice="get_time"))
    assert not calls(chunks)


def test_without_parallel_calls_the_first_is_given_and_it_is_said() -> None:
    one = ToolCall(id="a", name="get_time", arguments="{}")
    reading = ToolReading(changed(WITH_TOOLS, parallel_tool_calls=False), LOCAL_ENDPOINT)
    heard = [*reading.feed(ToolCalls((one,))), *reading.feed(ToolCalls((changed(one, id="b"),)))]
    heard += reading.finish(Finished(finish="stop"))
    assert calls(heard) == (one,)
    assert isinstance(heard[-1], Finished)
    assert heard[-1].notes == ("parallel_tool_calls: 1 further calls were left out",)


def test_json_beside_tools_comes_without_its_fence() -> None:
    call = changed(WITH_TOOLS, response_format=ResponseFormat(kind="json"))
    assert texts(streamed(["```json\n", '{"answer": 1}', "\n```"], call=call)) == '{"answer": 1}'


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n"]])
def test_an_end_with_nothing_in_it_is_no_answer(pieces: list[str]) -> None:
    with pytest.raises(EngineError) as caught:
        streamed(pieces)
    assert caught.value.kind == "empty"
    assert streamed(pieces, finish=Finished(finish="length"))[-1] == Finished(finish="length")
