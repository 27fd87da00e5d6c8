"""Several answers to one request: told apart by their place, each with an id, paid for together."""

import asyncio
from decimal import Decimal

from backends.gateway.parallel_requests import one_request_per_choice
from backends.types import Called, Message, Request, Sampling, Tokens, ToolCall
from tests.backends.gateway.dialects.openai_chat.test_chat_completions import ask, body, events_of, stream
from tests.backends.gateway.running_gateway import RunningGateway
from tests.waiting import until


async def test_n_answers_are_n_calls_whose_tokens_and_costs_are_added_up(gateway: RunningGateway) -> None:
    status, headers, said = await ask(gateway, n=3)
    assert status == 200
    assert [choice["index"] for choice in said["choices"]] == [0, 1, 2]
    assert [choice["message"]["content"] for choice in said["choices"]] == ["Hello there"] * 3
    assert said["usage"]["total_tokens"] == 60
    assert (said["claw"]["cost_usd"], headers["x-claw-cost-usd"]) == ("0.000369", "0.000369")
    asked = gateway.core.asked
    assert len({request.id for request in asked}) == 3
    assert [call["id"] for call in said["claw"]["calls"]] == [request.id for request in asked]
    assert headers["x-claw-request-id"] == asked[0].id


async def test_no_two_of_n_answers_come_from_the_cache_or_one_call(gateway: RunningGateway) -> None:
    await ask(gateway, n=2)
    assert [request.cache for request in gateway.core.asked] == [False, False]
    gateway.core.asked.clear()
    await ask(gateway, n=1)
    assert [request.cache for request in gateway.core.asked] == [True]


def test_a_seed_does_not_make_n_answers_equal() -> None:
    request = Request(id="1", messages=(Message(role="user", text="x"),), sampling=Sampling(seed=7))
    assert [each.sampling.seed for each in one_request_per_choice(request, 3)] == [7, 8, 9]
    last = Request(id="1", messages=request.messages, sampling=Sampling(seed=2**63 - 1))
    assert [each.sampling.seed for each in one_request_per_choice(last, 2)] == [2**63 - 1, 2**63 - 2]
    plain = Request(id="1", messages=request.messages)
    assert one_request_per_choice(plain, 2)[1].sampling.seed is None


async def test_streamed_choices_are_interleaved_and_each_ends(gateway: RunningGateway) -> None:
    gate = asyncio.Event()
    gateway.core.says = ("one", gate, "two")
    raw = await gateway.dial(gateway.post(body(stream=True, n=2), Connection="close"))
    await raw.head()
    await until(lambda: len(gateway.core.asked) == 2)
    gate.set()
    *events, done = events_of(await raw.rest())
    assert done == "[DONE]"
    choices = [event["choices"][0] for event in events]
    for place in (0, 1):
        own = [choice for choice in choices if choice["index"] == place]
        assert "".join(choice["delta"].get("content", "") for choice in own) == "onetwo"
        assert [choice["finish_reason"] for choice in own] == [None] * (len(own) - 1) + ["stop"]
    first_two = [choice["index"] for choice in choices if choice["delta"].get("content") == "one"]
    assert sorted(first_two) == [0, 1]
    assert choices.index(next(each for each in choices if each["delta"].get("content") == "two")) > max(
        place for place, each in enumerate(choices) if each["delta"].get("content") == "one"
    )
    assert events[-1]["claw"]["cost_usd"] == "0.000246"
    assert all("claw" not in event for event in events[:-1])


async def test_streamed_choices_have_one_usage_for_all(gateway: RunningGateway) -> None:
    _, _, events = await stream(gateway, n=2, stream_options={"include_usage": True})
    assert events[-2]["choices"] == []
    assert events[-2]["usage"]["total_tokens"] == 40
    assert [event["usage"] for event in events[:-2]] == [None] * (len(events) - 2)


async def test_streamed_calls_of_each_choice_are_counted_apart(gateway: RunningGateway) -> None:
    gateway.core.says = (Called((ToolCall(id="a", name="look", arguments="{}"),)),)
    _, _, events = await stream(gateway, n=2)
    told = [
        (event["choices"][0]["index"], call["index"])
        for event in events[:-1]
        for call in event["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert sorted(told) == [(0, 0), (1, 0)]


async def test_one_call_that_fails_ends_them_all_with_its_error(gateway: RunningGateway) -> None:
    gateway.core.fails = {1}
    status, _, said = await ask(gateway, n=3)
    assert (status, said["error"]["code"]) == (502, "cut")
    gateway.core.fails = {4}
    _, _, events = await stream(gateway, n=2)
    assert events[-1]["error"]["code"] == "cut"
    assert "[DONE]" not in events


async def test_a_fault_in_one_call_ends_the_others(gateway: RunningGateway) -> None:
    gateway.core.says = ()
    gateway.core.breaks = KeyError("of ours")
    assert (await ask(gateway, n=2))[0] == 500
    assert gateway.core.closed.is_set()


async def test_a_caller_that_leaves_ends_all_its_calls(gateway: RunningGateway) -> None:
    gateway.core.says = ("one", asyncio.Event())
    raw = await gateway.dial(gateway.post(body(stream=True, n=2)))
    await raw.head()
    await until(lambda: len(gateway.core.asked) == 2)
    raw.close()
    await until(lambda: gateway.core.closed.is_set() and not gateway.shutdown.scopes)


async def test_a_cached_answer_reports_what_it_took_when_it_was_made(gateway: RunningGateway) -> None:
    gateway.core.ends = {
        "engine": "cache",
        "cache": "exact",
        "tokens": Tokens(),
        "answer_tokens": Tokens(input=11, output=7, thinking=2),
        "cost_usd": Decimal(0),
        "cache_entry": "e1",
    }
    _, _, said = await ask(gateway)
    assert said["usage"]["total_tokens"] == 20
    assert (said["claw"]["cached"], said["claw"]["cost_usd"], said["claw"]["cache_entry"]) == (True, "0", "e1")
    _, _, events = await stream(gateway, stream_options={"include_usage": True})
    assert events[-2]["usage"]["total_tokens"] == 20
    gateway.core.ends = {}
    assert "cached" not in (await ask(gateway))[2]["claw"]
