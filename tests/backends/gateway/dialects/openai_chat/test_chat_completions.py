import asyncio
import base64
from typing import Any

import msgspec
import pytest

from backends.errors import (
    STATUS,
    BudgetExceeded,
    BudgetHeld,
    ClawError,
    ContextTooLong,
    DeadlinePassed,
    EngineError,
    NoEngine,
    QueueFull,
    RateLimited,
    Unsupported,
    WrongUse,
)
from backends.gateway.http_errors import CODES
from backends.settings.model import Settings
from backends.types import Called, Media, Reason, ToolCall
from tests.backends.gateway.running_gateway import Raw, RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore
from tests.waiting import until

PNG = base64.b64encode(b"\x89PNG not really").decode()


def body(**fields: Any) -> bytes:
    return msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "hi"}]} | fields)


async def ask(
    gateway: RunningGateway, headers: dict[str, str] | None = None, **fields: Any
) -> tuple[int, dict[str, str], Any]:
    raw = await gateway.dial(gateway.post(body(**fields), **(headers or {})))
    status, answered, said = await raw.answer()
    return status, answered, msgspec.json.decode(said)


def events_of(chunked: bytes) -> list[Any]:
    """The data of each server-sent event in a chunked body; [DONE] as text."""
    text = b"".join(chunked.split(b"\r\n")[1::2])
    datas = [line.removeprefix(b"data: ") for line in text.split(b"\n\n") if line]
    return ["[DONE]" if data == b"[DONE]" else msgspec.json.decode(data) for data in datas]


async def stream(gateway: RunningGateway, **fields: Any) -> tuple[int, dict[str, str], list[Any]]:
    raw = await gateway.dial(gateway.post(body(stream=True, **fields), Connection="close"))
    status, headers = await raw.head()
    rest = await raw.rest()
    return status, headers, events_of(rest) if "chunked" in headers.get("transfer-encoding", "") else [rest]


async def test_an_answer_carries_who_gave_it_and_what_it_cost(gateway: RunningGateway) -> None:
    status, headers, said = await ask(gateway, model="scout")
    assert status == 200
    assert said["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": "Hello there", "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert said["usage"]["prompt_tokens"] == 11
    assert said["usage"]["completion_tokens"] == 9
    assert said["usage"]["total_tokens"] == 20
    told = {name: headers[f"x-claw-{name}"] for name in ("agent", "engine", "model", "cache", "cost-usd", "request-id")}
    assert told == {
        "agent": "scout",
        "engine": "local",
        "model": "qwen2.5:14b",
        "cache": "miss",
        "cost-usd": "0.000123",
        "request-id": gateway.core.asked[0].id,
    }


async def test_a_stream_opens_with_a_role_and_ends_with_its_cost_and_a_terminator(gateway: RunningGateway) -> None:
    status, headers, events = await stream(gateway)
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-claw-engine"] == "local"
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [event["choices"][0]["delta"]["content"] for event in events[1:3]] == ["Hello", " there"]
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-2]["claw"]["cost_usd"] == "0.000123"
    assert events[-1] == "[DONE]"
    assert all("usage" not in event for event in events[:-1])


async def test_usage_is_a_chunk_of_its_own_where_it_was_asked_for(gateway: RunningGateway) -> None:
    _, _, events = await stream(gateway, stream_options={"include_usage": True})
    assert [event["usage"] for event in events[:-2]] == [None] * (len(events) - 2)
    assert events[-2]["choices"] == []
    assert events[-2]["usage"]["total_tokens"] == 20
    assert events[-2]["claw"]["engine"] == "local"
    assert "claw" not in events[-3]


async def test_tool_calls_come_whole_and_streamed(gateway: RunningGateway) -> None:
    first, second = (ToolCall(id=f"call_{n}", name="look", arguments='{"n":1}') for n in range(2))
    gateway.core.says = ("Let me look.", Called((first,)), Called((second,)))
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    _, _, said = await ask(gateway, tools=tools, tool_choice={"type": "function", "function": {"name": "look"}})
    choice = said["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert [call["id"] for call in choice["message"]["tool_calls"]] == ["call_0", "call_1"]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"n":1}'}
    assert gateway.core.asked[0].tool_choice == "look"
    _, _, events = await stream(gateway, tools=tools)
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]
    assert [call["index"] for delta in deltas for call in delta.get("tool_calls", ())] == [0, 1]
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_only_tool_calls_leave_the_content_null(gateway: RunningGateway) -> None:
    gateway.core.says = (Called((ToolCall(id="a", name="look", arguments="{}"),)),)
    _, _, said = await ask(gateway)
    assert said["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize(("finish", "reason"), [("length", "length"), ("blocked", "content_filter"), ("stop", "stop")])
async def test_each_way_to_end_has_openai_s_word(gateway: RunningGateway, finish: str, reason: str) -> None:
    gateway.core.ends = {"finish": finish}
    assert (await ask(gateway))[2]["choices"][0]["finish_reason"] == reason
    assert (await stream(gateway))[2][-2]["choices"][0]["finish_reason"] == reason


async def test_an_empty_answer_is_still_an_answer(gateway: RunningGateway) -> None:
    gateway.core.says = ()
    gateway.core.ends = {"finish": "length", "cache": "exact", "engine": "cache"}
    _, headers, events = await stream(gateway)
    assert headers["x-claw-cache"] == "exact"
    assert [event["choices"][0]["delta"] for event in events[:-1]] == [{"role": "assistant", "content": ""}, {}]


async def test_everything_that_means_something_reaches_the_core(gateway: RunningGateway) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    sent = [
        {"role": "developer", "content": "be short"},
        {
            "role": "user",
            "name": "bob",
            "content": [{"type": "text", "text": "see"}, image(f"data:image/png;base64,{PNG}")],
        },
        {"role": "assistant", "content": None, "tool_calls": [called("c1", "look")]},
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
    ]
    status, _, _ = await ask(
        gateway,
        {"X-Claw-Agent": "ada", "X-Claw-Sensitive": "true", "Cache-Control": "no-store", "X-Claw-Deadline-S": "2.5"},
        model="gemini-3.5-flash-lite",
        messages=sent,
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=["END", ""],
        max_tokens=5,
        max_completion_tokens=6,
        response_format={"type": "json_schema", "json_schema": {"name": "it", "schema": schema, "strict": True}},
        tools=[{"type": "function", "function": {"name": "look"}}],
        tool_choice="required",
        metadata={"team": "red"},
        logit_bias={"1": 2},
        n=1,
    )
    assert status == 200
    asked = gateway.core.asked[0]
    assert (asked.agent, asked.engine, asked.model) == ("ada", "cloud", "gemini-3.5-flash-lite")
    assert (asked.sensitive, asked.cache, asked.timeout_s, asked.source) == (True, False, 2.5, "gateway")
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool"]
    assert asked.messages[1].text == "see"
    assert asked.messages[1].media == (Media(media_type="image/png", data=b"\x89PNG not really"),)
    assert asked.messages[2].tool_calls == (ToolCall(id="c1", name="look", arguments="{}"),)
    assert asked.messages[3].tool_call_id == "c1"
    sampling = asked.sampling
    assert (sampling.temperature, sampling.top_p, sampling.seed, sampling.stop, sampling.max_tokens) == (
        0.5,
        0.9,
        7,
        ("END",),
        6,
    )
    assert (asked.response_format.kind, asked.response_format.schema, asked.response_format.name) == (
        "schema",
        schema,
        "it",
    )
    assert (asked.tools[0].name, asked.tool_choice) == ("look", "required")


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def called(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}


@pytest.mark.parametrize(
    ("header", "sensitive"),
    [("true", True), ("1", True), ("TRUE", True), ("perhaps", True), ("false", False), ("", True), ("0", False)],
)
async def test_doubt_about_sensitive_stays_here(gateway: RunningGateway, header: str, sensitive: bool) -> None:
    await ask(gateway, {"X-Claw-Sensitive": header})
    assert gateway.core.asked[0].sensitive is sensitive


@pytest.mark.parametrize(
    ("name", "header", "agent", "engine"),
    [
        ("auto", None, "default", "auto"),
        ("local", "ada", "ada", "local"),
        ("cloud", None, "default", "cloud"),
        ("scout", None, "scout", "auto"),
        ("scout", "ada", "ada", "auto"),
        ("qwen2.5:14b", None, "default", "local"),
    ],
)
async def test_a_model_name_is_a_route_an_agent_or_an_engine_s_model(
    gateway: RunningGateway, name: str, header: str | None, agent: str, engine: str
) -> None:
    await ask(gateway, {"X-Claw-Agent": header} if header else None, model=name)
    asked = gateway.core.asked[0]
    assert (asked.agent, asked.engine) == (agent, engine)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a\n"}}]}, "tools[0].function.name"),
        ({"tool_choice": {"type": "function", "function": {"name": "none such"}}}, "tool_choice"),
    ],
)
async def test_what_cannot_be_meant_names_its_field(
    gateway: RunningGateway, fields: dict[str, Any], param: str
) -> None:
    status, _, said = await ask(gateway, **fields)
    assert status == 400
    assert said["error"]["param"] == param
    assert said["error"]["type"] == "invalid_request_error"
    assert gateway.core.asked == []


@pytest.mark.parametrize("model", ["gpt-4o", "http://evil/"])
async def test_an_unknown_model_is_a_404_as_at_openai(gateway: RunningGateway, model: str) -> None:
    status, _, said = await ask(gateway, model=model)
    assert status == 404
    error = said["error"]
    assert (error["code"], error["type"], error["param"]) == ("model_not_found", "invalid_request_error", "model")
    assert gateway.core.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cat.png",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
        "ftp://x/y",
        "//x/y.png",
        "file:image/png;base64,iVBORw0KGgo=",
        "https:image/png;base64,iVBORw0KGgo=",
        "data:text/html;base64,PGI+",
        "data:image/png,plain",
        "data:image/png;base64,***",
        "data:image/png;base64,",
        "",
    ],
)
async def test_s12_no_image_is_fetched(gateway: RunningGateway, url: str) -> None:
    status, _, said = await ask(gateway, messages=[{"role": "user", "content": [image(url)]}])
    assert status == 400
    assert said["error"]["param"] == "messages[0].content[0].image_url.url"
    assert gateway.core.asked == []


@pytest.mark.parametrize("agent", ["a b", "x" * 65, "", "-scout", "scout\x7f", "sc\u00f6ut", "a\tb"])
async def test_s15_an_agent_s_name_is_plain(gateway: RunningGateway, agent: str) -> None:
    raw = await gateway.dial(gateway.post(body(), X_Claw_Agent=agent))
    status, headers, _ = await raw.answer()
    assert status == 400
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon", "1e9"])
async def test_a_deadline_is_a_number_of_seconds(gateway: RunningGateway, seconds: str) -> None:
    assert (await ask(gateway, {"X-Claw-Deadline-S": seconds}))[0] == 400


@pytest.mark.parametrize("said", ["0", "-1", "nan", "soon", "1e12"])
async def test_a_deadline_may_be_told_in_milliseconds(gateway: RunningGateway, said: str) -> None:
    assert (await ask(gateway, {"X-Claw-Deadline-Ms": said}))[0] == 400
    assert (await ask(gateway, {"X-Claw-Deadline-Ms": "1500"}))[0] == 200
    assert gateway.core.asked[0].timeout_s == 1.5


async def test_of_several_deadlines_the_least_holds(gateway: RunningGateway) -> None:
    headers = {"X-Claw-Deadline-S": "3", "X-Claw-Deadline-Ms": "4000"}
    assert (await ask(gateway, headers, deadline_ms=2500))[0] == 200
    assert gateway.core.asked[0].timeout_s == 2.5
    assert (await ask(gateway, deadline_ms=-1))[0] == 400


async def test_s15_an_engine_s_words_cannot_add_a_header(gateway: RunningGateway) -> None:
    model = "m\r\nSet-Cookie: a=b\x00\x1b[31m\u202e" + "y" * 400
    gateway.core.ends = gateway.core.routed = {"model": model}
    for answered in (await ask(gateway), await stream(gateway)):
        status, headers, _ = answered
        assert status == 200
        assert "set-cookie" not in headers
        assert headers["x-claw-model"].startswith("m??set-cookie: a=b??[31m?")
        assert len(headers["x-claw-model"]) <= 256
    _, _, said = await ask(gateway)
    assert said["model"] == model


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (WrongUse("an empty prompt"), 400, None),
        (BudgetExceeded("today's budget is spent"), 402, None),
        (QueueFull("the queue is full", retry_after_s=1.2), 503, "2"),
        (DeadlinePassed("too late"), 504, None),
        (RateLimited("too many a minute", retry_after_s=9.1), 429, "10"),
        (EngineError("limited", kind="rate-limited", retry_after_s=36), 429, "36"),
        (EngineError("limited", kind="rate-limited"), 429, "60"),
        (EngineError("limited", kind="daily-quota", retry_after_s=7200), 429, "7200"),
        (EngineError("limited", kind="daily-quota"), 429, "3600"),
        (NoEngine("the local engine is down"), 503, "10"),
    ],
)
async def test_a_refusal_has_its_status(
    gateway: RunningGateway, error: Exception, status: int, retry_after: str | None
) -> None:
    gateway.core.refuses = error  # type: ignore[assignment]
    for streamed in (False, True):
        told, headers, said = await ask(gateway, stream=streamed)
        assert told == status
        assert headers.get("retry-after") == retry_after
        assert said["error"]["message"] == str(error)
        assert headers["x-claw-request-id"] == gateway.core.asked[-1].id


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (DeadlinePassed("too late"), "false"),
        (EngineError("limited", kind="daily-quota", retry_after_s=30), "false"),
        (BudgetExceeded("today's budget is spent"), "false"),
        (EngineError("limited", kind="rate-limited", retry_after_s=30), None),
        (EngineError("limited", kind="rate-limited", retry_after_s=121), "false"),
        (EngineError("down", kind="unavailable"), None),
        (WrongUse("an empty prompt"), None),
    ],
)
async def test_clients_are_told_not_to_send_again_what_would_fail_again(
    gateway: RunningGateway, error: ClawError, again: str | None
) -> None:
    gateway.core.refuses = error
    assert (await ask(gateway))[1].get("x-should-retry") == again


@pytest.mark.parametrize(("said", "header"), [(True, "true"), (False, "false"), (None, None)])
async def test_what_an_outcome_says_of_sending_again_is_passed_on(
    gateway: RunningGateway, said: bool | None, header: str | None
) -> None:
    gateway.core.says = ()
    gateway.core.ends = {"finish": "error", "error": "it broke", "error_kind": "unavailable", "should_retry": said}
    for streamed in (False, True):
        assert (await ask(gateway, stream=streamed))[1].get("x-should-retry") == header


async def test_a_prompt_beyond_every_window_is_told_in_openais_words(gateway: RunningGateway) -> None:
    told = [ContextTooLong.by(20_000, 16_384), EngineError("too long", kind="context")]
    for error in told:
        gateway.core.refuses = error
        status, _, said = await ask(gateway)
        found = said["error"]
        assert (status, found["code"], found["type"], found["param"]) == (
            400,
            "context_length_exceeded",
            "invalid_request_error",
            "messages",
        )
        assert "context_length_exceeded" in found["message"]  # LangChain looks nowhere else
    gateway.core.refuses = told[0]
    assert (await ask(gateway))[2]["error"]["message"].startswith(
        "This model's maximum context length is 16384 tokens."
    )


async def test_what_no_engine_can_do_is_unsupported_and_no_matter_of_keys(gateway: RunningGateway) -> None:
    gateway.core.refuses = Unsupported("no engine that may answer sees images")
    status, _, said = await ask(gateway)
    assert (status, said["error"]["code"]) == (400, "unsupported")


async def test_money_that_is_held_is_told_in_neutral_words_and_spent_money_in_others(gateway: RunningGateway) -> None:
    gateway.core.refuses = BudgetHeld("other calls are being answered: try again soon")
    status, headers, said = await ask(gateway)
    assert (status, headers["retry-after"], "x-should-retry" in headers) == (429, "5", False)
    assert (said["error"]["code"], said["error"]["type"]) == ("rate_limit_exceeded", "rate_limit_error")
    gateway.core.refuses = BudgetExceeded("today's budget is spent")
    status, _, said = await ask(gateway)
    assert (status, said["error"]["type"]) == (402, "insufficient_quota")


@pytest.mark.parametrize("kind", STATUS)
async def test_every_429_and_503_says_when_to_try_again(gateway: RunningGateway, kind: str) -> None:
    gateway.core.says = ()
    gateway.core.ends = {"finish": "error", "error": "it broke", "error_kind": kind}
    status, headers, _ = await ask(gateway)
    if status in (429, 503):
        assert int(headers["retry-after"]) > 0


@pytest.mark.parametrize("kind", STATUS)
async def test_an_engine_s_failure_before_any_text_has_its_status(gateway: RunningGateway, kind: str) -> None:
    gateway.core.says = ()
    gateway.core.ends = {"finish": "error", "error": "it broke", "error_kind": kind, "retry_after_s": 3.0}
    for streamed in (False, True):
        status, headers, said = await ask(gateway, stream=streamed)
        assert status == STATUS[kind]
        assert headers["retry-after"] == "3"
        assert said["error"]["code"] == CODES.get(kind, kind)


async def test_a_whole_answer_that_broke_is_an_error_and_no_part_of_it_is_sent(gateway: RunningGateway) -> None:
    gateway.core.ends = {"finish": "error", "error": "it broke", "error_kind": "cut"}
    status, _, said = await ask(gateway)
    assert status == 502
    assert "Hello" not in str(said)


async def test_i6_a_stream_that_breaks_ends_with_an_error_and_no_terminator(gateway: RunningGateway) -> None:
    gateway.core.ends = {"finish": "error", "error": "it broke", "error_kind": "cut"}
    _, _, events = await stream(gateway)
    assert events[-1]["error"]["code"] == "cut"
    assert "[DONE]" not in events
    assert all(event.get("choices", [{}])[0].get("finish_reason") is None for event in events)


async def test_i6_a_core_that_raises_in_the_middle_ends_the_stream_honestly(gateway: RunningGateway) -> None:
    gateway.core.breaks = EngineError("gone", kind="cut")
    _, _, events = await stream(gateway)
    assert events[-1]["error"]["message"] == "gone"
    gateway.core.breaks, gateway.core.ends = None, None
    _, _, events = await stream(gateway)
    assert events[-1]["error"]["code"] == "internal"
    assert (await ask(gateway))[0] == 500


async def test_a_fault_of_our_own_is_a_500_with_an_id(
    gateway: RunningGateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.core.says = ()
    gateway.core.breaks = KeyError("of ours")
    status, headers, said = await ask(gateway)
    assert (status, said["error"]["code"]) == (500, "internal")
    assert f"request {headers['x-claw-request-id']} failed: KeyError" in caplog.text
    assert "of ours" in caplog.text


async def test_a_call_the_operator_cancelled_is_not_sent_again(gateway: RunningGateway) -> None:
    gateway.core.ends = {"finish": "cancelled"}
    status, headers, _ = await ask(gateway)
    assert (status, headers["x-should-retry"]) == (503, "false")
    _, _, events = await stream(gateway)
    assert events[-1]["error"]["code"] == "cancelled"


async def test_half_a_surrogate_pair_does_not_break_the_answer(gateway: RunningGateway) -> None:
    gateway.core.says = ("a\ud83d", "b")
    assert (await ask(gateway))[2]["choices"][0]["message"]["content"] == "a\ufffdb"
    _, _, events = await stream(gateway)
    assert events[1]["choices"][0]["delta"]["content"] == "a\ufffd"


async def test_the_cache_s_part_is_told_before_the_end(gateway: RunningGateway) -> None:
    gateway.core.routed = {"engine": "cache", "reasons": (Reason(rule="cache", detail="semantic, 0.97 alike"),)}
    assert (await stream(gateway))[1]["x-claw-cache"] == "semantic"
    gateway.core.routed = {"engine": "cache", "reasons": (Reason(rule="cache", detail="exact, saved $1"),)}
    assert (await stream(gateway))[1]["x-claw-cache"] == "exact"
    gateway.core.routed = {"sensitive": True}
    assert (await stream(gateway))[1]["x-claw-cache"] == "bypass"


async def leave(raw: Raw, gateway: RunningGateway) -> None:
    raw.close()
    await asyncio.wait_for(gateway.core.closed.wait(), 10)


async def test_k1_a_caller_that_leaves_before_the_first_text_ends_its_call(gateway: RunningGateway) -> None:
    for streamed in (False, True):
        gateway.core.started.clear()
        gateway.core.says = (asyncio.Event(),)
        raw = await gateway.dial(gateway.post(body(stream=streamed)))
        await asyncio.wait_for(gateway.core.started.wait(), 10)
        await leave(raw, gateway)


async def test_k1_a_caller_that_leaves_in_the_middle_ends_its_call(gateway: RunningGateway) -> None:
    gateway.core.says = ("one", asyncio.Event())
    raw = await gateway.dial(gateway.post(body(stream=True)))
    await raw.head()
    await leave(raw, gateway)


async def test_k1_a_caller_that_half_closes_has_left(gateway: RunningGateway) -> None:
    gateway.core.says = ("one", asyncio.Event())
    raw = await gateway.dial(gateway.post(body(stream=True)))
    await raw.head()
    raw.writer.write_eof()
    await asyncio.wait_for(gateway.core.closed.wait(), 10)


async def test_k1_a_caller_that_leaves_while_a_chunk_is_handed_over_ends_its_call(gateway: RunningGateway) -> None:
    gateway.core.says = ("x" * 65_536,) * 5000
    raw = await gateway.dial(gateway.post(body(stream=True)))
    await raw.head()
    await leave(raw, gateway)


async def test_p2_a_drain_lets_running_answers_finish_and_refuses_new_ones(gateway: RunningGateway) -> None:
    gate = asyncio.Event()
    gateway.core.says = ("one", gate, "two")
    raw = await gateway.dial(gateway.post(body(stream=True)))
    await raw.head()
    gateway.stop.set()
    await asyncio.sleep(0)
    status, headers, said = await ask(gateway)
    assert (status, said["error"]["code"], headers["retry-after"]) == (503, "draining", "5")
    ready = await gateway.dial(gateway.get("/readyz"))
    assert (await ready.answer())[0] == 503
    gate.set()
    assert b"[DONE]" in await raw.rest()
    assert gateway.task is not None
    await asyncio.wait_for(gateway.task, 10)


async def test_p2_what_still_runs_after_the_drain_ends_honestly(core: ScriptedCore) -> None:
    settings = msgspec.convert({"gateway": {"drain_s": 0.05}}, Settings)
    core.says = ("one", asyncio.Event())
    async with running_gateway(core, settings) as gateway:
        streamed = await gateway.dial(gateway.post(body(stream=True)))
        await streamed.head()
        whole = await gateway.dial(gateway.post(body()))
        await until(lambda: len(core.asked) == 2)
        gateway.stop.set()
        events = events_of(await streamed.rest())
        assert events[-1]["error"]["code"] == "draining"
        assert (await whole.answer())[0] == 503


async def test_p2_a_second_signal_cuts_at_once(gateway: RunningGateway) -> None:
    gateway.core.says = ("one", asyncio.Event())
    raw = await gateway.dial(gateway.post(body(stream=True)))
    await raw.head()
    gateway.stop.set()
    gateway.shutdown.cancel_all()
    assert events_of(await raw.rest())[-1]["error"]["code"] == "draining"


async def test_cancelling_the_gateway_cuts_what_runs(gateway: RunningGateway) -> None:
    gateway.core.says = ("one", asyncio.Event())
    raw = await gateway.dial(gateway.post(body(stream=True)))
    await raw.head()
    assert gateway.task is not None
    gateway.task.cancel()
    assert events_of(await raw.rest())[-1]["error"]["code"] == "draining"
    with pytest.raises(asyncio.CancelledError):
        await gateway.task
    gateway.task = None
