"""What a stream says while it waits, and what answers carry beside their text."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from backends.errors import EngineError
from backends.settings.model import Settings
from backends.types import Attempt, Called, Delta, ToolCall
from tests.backends.gateway.dialects.openai_chat.test_chat_completions import ask, body, stream
from tests.backends.gateway.running_gateway import RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore

SEALED = {"google": {"thought_signature": "c2ln"}}


@pytest.fixture
async def impatient(core: ScriptedCore) -> AsyncIterator[RunningGateway]:
    """A gateway that breaks every silence of 20 ms."""
    async with running_gateway(core, msgspec.convert({"gateway": {"keep_alive_s": 0.02}}, Settings)) as found:
        yield found


async def test_a_stream_that_waits_is_opened_and_kept_open_by_comments(impatient: RunningGateway) -> None:
    gate = asyncio.Event()
    impatient.core.says = (gate, "late")
    raw = await impatient.dial(impatient.post(body(stream=True), Connection="close"))
    status, headers = await raw.head()
    assert (status, headers["x-claw-engine"], headers["x-claw-zone"]) == (200, "local", "local")
    for _ in range(3):
        await asyncio.wait_for(raw.reader.readuntil(b": waiting\n\n"), 10)
    gate.set()
    rest = await raw.rest()
    assert b"late" in rest
    assert rest.rstrip().endswith(b"0")
    assert b"[DONE]" in rest


async def test_who_waits_past_the_deadline_for_an_answer_that_is_held_back_hears_a_comment(core: ScriptedCore) -> None:
    gate = asyncio.Event()
    core.says = (gate, "late")
    async with running_gateway(core, msgspec.convert({"router": {"deadline_s": 0.05}}, Settings)) as found:
        raw = await found.dial(found.post(body(stream=True), Connection="close"))
        await asyncio.wait_for(raw.reader.readuntil(b": waiting\n\n"), 10)
        gate.set()
        assert b"[DONE]" in await raw.rest()


async def test_a_comment_is_no_event(impatient: RunningGateway) -> None:
    gate = asyncio.Event()
    impatient.core.says = ("one", gate, "two")
    raw = await impatient.dial(impatient.post(body(stream=True), Connection="close"))
    await raw.head()
    first = await asyncio.wait_for(raw.reader.readuntil(b": waiting\n\n\r\n"), 10)
    gate.set()
    rest = first + await raw.rest()
    without = b"\r\n".join(part for part in rest.split(b"\r\n") if not part.startswith(b":"))
    text = b"".join(line for line in without.splitlines(keepends=True) if line.startswith(b"data: "))
    said = [line.removeprefix(b"data: ") for line in text.splitlines() if line]
    contents = [
        msgspec.json.decode(each)["choices"][0]["delta"].get("content", "") for each in said if each != b"[DONE]"
    ]
    assert "".join(contents) == "onetwo"


async def test_a_failure_after_a_comment_is_an_event(impatient: RunningGateway) -> None:
    gate = asyncio.Event()
    impatient.core.says = (gate,)
    impatient.core.breaks = EngineError("gone", kind="unavailable")
    raw = await impatient.dial(impatient.post(body(stream=True), Connection="close"))
    assert (await raw.head())[0] == 200
    await asyncio.wait_for(raw.reader.readuntil(b": waiting\n\n"), 10)
    gate.set()
    rest = await raw.rest()
    assert b'"code":"unavailable"' in rest
    assert b"[DONE]" not in rest


async def test_a_failure_before_that_has_its_status(gateway: RunningGateway) -> None:
    gateway.core.says = ()
    gateway.core.breaks = EngineError("gone", kind="unavailable")
    assert (await ask(gateway, stream=True))[0] == 502


async def test_no_comment_stands_between_pieces_that_come_quickly(gateway: RunningGateway) -> None:
    raw = await gateway.dial(gateway.post(body(stream=True), Connection="close"))
    await raw.head()
    assert b": waiting" not in await raw.rest()


async def test_thought_signatures_go_out_whole_and_streamed(gateway: RunningGateway) -> None:
    call = ToolCall(id="a", name="look", arguments="{}", signature="c2ln")
    gateway.core.says = ("so", Delta("", "c2ln"), Called((call,)))
    _, _, said = await ask(gateway)
    message = said["choices"][0]["message"]
    assert message["content"] == "so"
    assert message["extra_content"] == SEALED
    assert message["tool_calls"][0]["extra_content"] == SEALED
    _, _, events = await stream(gateway)
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]
    assert {"content": "", "extra_content": SEALED} in deltas
    assert [each["extra_content"] for delta in deltas for each in delta.get("tool_calls", ())] == [SEALED]


async def test_without_signatures_nothing_is_added(gateway: RunningGateway) -> None:
    gateway.core.says = ("so", Called((ToolCall(id="a", name="look", arguments="{}"),)))
    _, _, said = await ask(gateway)
    assert "extra_content" not in str(said)


async def test_functions_of_the_older_kind_are_called_the_older_way(gateway: RunningGateway) -> None:
    first, second = (ToolCall(id=f"call_{n}", name="look", arguments=f'{{"n":{n}}}') for n in range(2))
    gateway.core.says = (Called((first, second)),)
    _, _, said = await ask(gateway, functions=[{"name": "look"}])
    choice = said["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "look", "arguments": '{"n":0}'}
    assert "tool_calls" not in choice["message"]
    assert said["claw"]["notes"] == ["function_call has room for one call: 1 more left out"]
    _, _, events = await stream(gateway, functions=[{"name": "look"}])
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]
    assert [delta["function_call"]["arguments"] for delta in deltas if "function_call" in delta] == ['{"n":0}']
    assert events[-2]["choices"][0]["finish_reason"] == "function_call"


async def test_every_response_has_openai_s_request_id_beside_ours(gateway: RunningGateway) -> None:
    for sent in (body(), body(stream=True), b"{", body(model="gpt-4o")):
        _, headers = await (await gateway.dial(gateway.post(sent, Connection="close"))).head()
        assert headers["x-request-id"] == headers["x-claw-request-id"]
    for raw in (b"nonsense\r\n\r\n", gateway.get("/nowhere"), gateway.get("/healthz")):
        _, headers = await (await gateway.dial(raw)).head()
        assert headers["x-request-id"] == headers["x-claw-request-id"]


async def test_the_zone_is_where_the_prompt_went(gateway: RunningGateway) -> None:
    assert (await ask(gateway))[1]["x-claw-zone"] == "local"
    gateway.core.ends = {
        "attempts": (Attempt(engine="cloud", zone="cloud", model="g"), Attempt(engine="local", zone="local", model="q"))
    }
    assert (await ask(gateway))[1]["x-claw-zone"] == "cloud"
    gateway.core.ends = {"engine": "cache", "attempts": ()}
    assert (await ask(gateway))[1]["x-claw-zone"] == "local"
    gateway.core.routed = {"engine": "backup", "zone": "cloud"}
    assert (await stream(gateway))[1]["x-claw-zone"] == "cloud"


async def test_the_answers_zone_is_in_its_last_object(gateway: RunningGateway) -> None:
    gateway.core.ends = {"engine": "backup", "zone": "cloud"}
    _, headers, answer = await ask(gateway)
    assert (headers["x-claw-engine"], headers["x-claw-zone"]) == ("backup", "cloud")
    assert (answer["claw"]["engine"], answer["claw"]["zone"]) == ("backup", "cloud")
    assert [call["zone"] for call in (await ask(gateway, n=2))[2]["claw"]["calls"]] == ["cloud", "cloud"]
    _, _, events = await stream(gateway)
    assert events[-2]["claw"]["zone"] == "cloud"


async def test_what_was_mended_in_the_request_is_in_the_notes(gateway: RunningGateway) -> None:
    gateway.core.ends = {"notes": ("tool name mended",)}
    _, _, said = await ask(gateway, verbosity="low")
    assert said["claw"]["notes"] == ["tool name mended", "ignored: verbosity"]
