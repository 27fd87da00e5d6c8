import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import ollama
import pytest
from msgspec.structs import replace

from backends.rehearsal.behaviour import Calling, TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.process import Twins
from backends.rehearsal.scripted_answers import count
from tests.backends.rehearsal.requests import PROMPT, QWEN, said, stream
from tests.waiting import until

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


async def test_a_stream_ends_with_counts_that_fit_its_text(pair: Twins, local: ollama.AsyncClient) -> None:
    *parts, last = await said(local)

    text = "".join(part.message.content or "" for part in parts)
    assert len(text) > 100
    assert not any(part.done for part in parts)
    assert (last.done, last.done_reason, last.model) == (True, "stop", QWEN)
    assert last.eval_count == count(text)
    assert last.prompt_eval_count == count(PROMPT) + 4
    durations = (last.total_duration, last.load_duration, last.prompt_eval_duration, last.eval_duration)
    assert all(duration is not None and duration > 0 for duration in durations)
    [call] = pair.ollama.usage.calls
    assert (call.input, call.output, call.end) == (last.prompt_eval_count, last.eval_count, "finished")


async def test_without_streaming_the_same_text_comes_whole(local: ollama.AsyncClient) -> None:
    *parts, last = await said(local)
    whole = await local.chat(QWEN, [{"role": "user", "content": PROMPT}])

    assert whole.message.content == "".join(part.message.content or "" for part in parts)
    assert (whole.done, whole.done_reason, whole.eval_count) == (True, "stop", last.eval_count)


async def test_generate_speaks_its_own_shape(local: ollama.AsyncClient) -> None:
    parts = [part async for part in await local.generate(QWEN, PROMPT, system="Be brief", stream=True)]
    whole = await local.generate(QWEN, PROMPT, system="Be brief")

    assert "".join(part.response or "" for part in parts) == whole.response
    assert whole.prompt_eval_count == count(PROMPT) + count("Be brief") + 8


async def test_the_cap_ends_an_answer_with_length(local: ollama.AsyncClient) -> None:
    answer = await local.chat(QWEN, [{"role": "user", "content": PROMPT}], options={"num_predict": 5})

    assert (answer.done_reason, answer.eval_count) == ("length", 5)


async def test_a_stop_word_ends_an_answer(local: ollama.AsyncClient) -> None:
    answer = await local.chat(QWEN, [{"role": "user", "content": PROMPT}], options={"stop": ["\n\n1."]})

    assert answer.message.content
    assert "1." not in answer.message.content
    assert answer.done_reason == "stop"


async def test_a_tool_is_called_once_and_its_result_is_answered_in_words(local: ollama.AsyncClient) -> None:
    asked: list[Any] = [{"role": "user", "content": "How is the weather in Graz?"}]
    first = await local.chat(QWEN, asked, tools=TOOLS)

    assert first.message.tool_calls
    assert first.message.tool_calls[0].function.name == "get_weather"
    assert isinstance(first.message.tool_calls[0].function.arguments["city"], str)
    told = [*asked, first.message, {"role": "tool", "content": '{"degrees": 9}', "tool_name": "get_weather"}]
    second = await local.chat(QWEN, told, tools=TOOLS)
    assert second.message.content
    assert not second.message.tool_calls


async def test_a_tool_call_streams_before_the_end(local: ollama.AsyncClient) -> None:
    parts = await said(local, "weather in Porto?", tools=TOOLS)

    assert [bool(part.message.tool_calls) for part in parts] == [True, False]
    assert parts[-1].done


async def test_an_answer_fits_the_schema_it_was_asked_for(local: ollama.AsyncClient) -> None:
    import msgspec

    schema = {"type": "object", "properties": {"label": {"enum": ["bug", "billing"]}}, "required": ["label"]}
    answer = await local.chat(QWEN, [{"role": "user", "content": "Classify"}], format=schema)
    free = await local.chat(QWEN, [{"role": "user", "content": "Classify"}], format="json")

    assert msgspec.json.decode(answer.message.content or "")["label"] in ("bug", "billing")
    assert isinstance(msgspec.json.decode(free.message.content or ""), dict)


async def test_images_count(local: ollama.AsyncClient) -> None:
    message = {"role": "user", "content": PROMPT, "images": [b"\x89PNG"]}
    answer = await local.chat(QWEN, [message])

    assert answer.prompt_eval_count == count(PROMPT) + 4 + 258


async def test_lists_and_cards(pair: Twins, local: ollama.AsyncClient) -> None:
    relayed = TwinModel(name="qwen3-coder:480b-cloud", remote_host="https://ollama.com:443")
    pair.ollama.behaviour = replace(pair.ollama.behaviour, models=(*pair.ollama.behaviour.models, relayed))
    async with httpx.AsyncClient(base_url=pair.ollama.url) as http:
        tags = (await http.get("/api/tags")).json()["models"]
        assert (await http.get("/")).text == "Ollama is running"
        assert (await http.get("/api/nothing")).status_code == 404
        assert (await http.head("/")).status_code == 200
        assert (await http.get("/api/version")).json()["version"]
        assert (await http.post("/api/show", json={"model": relayed.name})).json()["remote_host"]

    assert {"GET /", "HEAD /", "GET /api/tags"} <= set(pair.ollama.usage.requests)
    assert pair.ollama.usage.requests["unknown"] == 1
    assert tags[-1]["remote_host"] == "https://ollama.com:443"
    assert (await local.list()).models[0].model == QWEN
    shown = await local.show(QWEN)
    assert shown.modelinfo is not None
    assert shown.modelinfo["qwen2.context_length"] == 32_768
    assert shown.capabilities == ["completion", "tools"]
    with pytest.raises(ollama.ResponseError, match="not found"):
        await local.show("nobody:1b")


async def test_a_model_lives_as_long_as_it_is_kept(pair: Twins, local: ollama.AsyncClient) -> None:
    await local.chat(QWEN, [], keep_alive="10m")
    [resident] = (await local.ps()).models
    assert resident.expires_at is not None
    assert 590 < (resident.expires_at - datetime.now(UTC)).total_seconds() <= 600
    assert resident.size_vram == resident.size
    pair.ollama.behaviour = replace(pair.ollama.behaviour, vram_share=0.0)
    assert (await local.ps()).models[0].size_vram == 0

    unloaded = await local.chat(QWEN, [], keep_alive=0)
    assert unloaded.done_reason == "unload"
    assert not (await local.ps()).models
    assert pair.ollama.usage.loads == 1


async def test_another_window_reloads_the_model(pair: Twins, local: ollama.AsyncClient) -> None:
    for window in (4_096, 4_096, 8_192, 4_096):
        await said(local, options={"num_ctx": window})

    assert pair.ollama.usage.loads == 3
    assert (await local.ps()).models[0].context_length == 4_096


async def test_a_prompt_beyond_the_window_is_cut_as_ollama_cuts_it(local: ollama.AsyncClient) -> None:
    answer = await local.chat(QWEN, [{"role": "user", "content": "word " * 3_000}], options={"num_ctx": 2_048})

    assert answer.prompt_eval_count == 2_048 // 2 + 2


async def test_embeddings_are_the_same_for_the_same_text(pair: Twins, local: ollama.AsyncClient) -> None:
    first, second, again = (await local.embed("nomic-embed-text", ["a", "b", "a"])).embeddings

    assert len(first) == 384
    assert list(first) == list(again) != list(second)
    assert abs(sum(number * number for number in first) - 1) < 1e-6
    assert pair.ollama.usage.tokens["input"] == 3


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/chat", b"{", 400, "missing request body"),
        ("/api/chat", b"{}", 400, "model is required"),
        ("/api/chat", b'{"model": "nobody"}', 404, "model 'nobody' not found"),
        ("/api/chat", b'{"model": "qwen2.5:14b", "messages": [{"role": "boss"}]}', 400, "invalid role"),
        ("/api/chat", b'{"model": "qwen2.5:14b", "messages": 7}', 400, "cannot unmarshal"),
        ("/api/chat", b'{"model": "qwen2.5:14b", "keep_alive": "soon"}', 400, "invalid duration"),
        ("/api/chat", b'{"model": "qwen2.5:14b", "format": "xml"}', 400, "invalid format"),
        ("/api/chat", b'{"model": "qwen2.5:14b", "options": {"num_ctx": "big"}}', 400, "invalid option"),
        ("/api/embed", b"[]", 400, "missing request body"),
        ("/api/embed", b'{"model": "nobody", "input": "a"}', 404, "try pulling it first"),
        ("/api/embed", b'{"model": "nomic-embed-text", "input": "a", "keep_alive": "x"}', 400, "invalid duration"),
        (
            "/api/chat",
            b'{"model": "nomic-embed-text", "messages": [{"role": "user"}], "tools": [{"function": {}}]}',
            400,
            "does not support tools",
        ),
    ],
)
async def test_wrong_requests_get_ollamas_own_words(
    pair: Twins, path: str, body: bytes, status: int, words: str
) -> None:
    async with httpx.AsyncClient(base_url=pair.ollama.url) as http:
        answer = await http.post(path, content=body)

    assert answer.status_code == status
    assert words in answer.json()["error"]


async def test_calls_beyond_the_room_wait_unseen_and_the_queue_has_an_end(
    pair: Twins, local: ollama.AsyncClient
) -> None:
    go = asyncio.Event()

    async def held(_: float) -> None:
        await go.wait()

    pair.ollama.sleep = held
    pair.ollama.behaviour = replace(pair.ollama.behaviour, parallel=1, queue_limit=2)
    async with asyncio.TaskGroup() as calls:
        running = [calls.create_task(said(local)) for _ in range(3)]
        await until(lambda: pair.ollama.admission.running == 1 and pair.ollama.admission.waiting == 2)
        with pytest.raises(ollama.ResponseError, match="server busy") as refused:
            await said(local)
        go.set()

    assert refused.value.status_code == 503
    assert all(call.result()[-1].done for call in running)
    assert pair.ollama.usage.ends == {"refused": 1, "finished": 3}
    assert pair.ollama.usage.most_open == 4


async def test_a_caller_that_leaves_is_seen_at_once(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.behaviour = replace(pair.ollama.behaviour, tokens_per_s=20.0)
    parts = await stream(local)
    async for _ in parts:
        break
    await parts.aclose()  # type: ignore[attr-defined]

    await until(lambda: pair.ollama.usage.open == 0)
    [call] = pair.ollama.usage.calls
    assert call.end == "aborted"
    assert call.input > 0
    assert call.output >= 1
    assert pair.ollama.admission.running == 0


def chatting(**more: Any) -> dict[str, Any]:
    return {"model": QWEN, "messages": [{"role": "user", "content": "hi"}]} | more


def offering(**parameters: Any) -> dict[str, Any]:
    return chatting(tools=[{"type": "function", "function": {"name": "f", "parameters": parameters}}])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (chatting(options={"temperature": "hot"}), "must be of type float32"),
        (chatting(options={"top_k": "1"}), "must be of type integer"),
        (chatting(options={"stop": "END"}), "must be of type array"),
        (chatting(messages=[{"role": "user", "content": [{"type": "text"}]}]), "messages.content of type string"),
        (
            chatting(messages=[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]),
            "api.ToolCallFunctionArguments",
        ),
        (chatting(messages=[{"role": "user", "content": "", "images": ["not base64!"]}]), "illegal base64"),
        (chatting(keep_alive="300"), "missing unit in duration"),
        (chatting(keep_alive="30 m"), "invalid duration"),
        (chatting(think=True), "does not support thinking"),
        (chatting(think="very"), "invalid think value"),
        (offering(type=["object", "null"]), "tools.function.parameters.type of type string"),
        (offering(type="object", properties={"a": True}), "api.ToolProperty"),
        (offering(type="object", properties=[]), "map[string]api.ToolProperty"),
        (offering(type="object", description=3), "description of type string"),
    ],
)
async def test_what_ollamas_types_do_not_take_is_400(pair: Twins, body: dict[str, Any], says: str) -> None:
    async with httpx.AsyncClient(base_url=pair.ollama.url, trust_env=False) as http:
        reply = await http.post("/api/chat", json=body)
    assert reply.status_code == 400
    assert says in reply.json()["error"]


async def test_an_image_of_an_unknown_kind_breaks_the_runner(pair: Twins, local: ollama.AsyncClient) -> None:
    with pytest.raises(ollama.ResponseError, match="unknown format") as caught:
        await local.chat(QWEN, [{"role": "user", "content": "look", "images": [b"GIF89a"]}])
    assert caught.value.status_code == 500


async def test_unknown_options_are_passed_over(local: ollama.AsyncClient) -> None:
    assert (await local.chat(QWEN, [{"role": "user", "content": "hi"}], options={"colour": "red"})).message.content


@pytest.mark.parametrize(("mode", "kept"), [("no-input", "eval_count"), ("no-output", "prompt_eval_count")])
async def test_one_count_may_be_missing(pair: Twins, local: ollama.AsyncClient, mode: str, kept: str) -> None:
    pair.ollama.inject(Fault(kind="usage", mode=mode))
    last = (await said(local))[-1]
    assert [name for name in ("eval_count", "prompt_eval_count") if getattr(last, name) is not None] == [kept]


@pytest.mark.parametrize(
    ("calling", "begins"),
    [
        ("tags", "<tool_call>\n{"),
        ("bare", "{"),
        ("fence", "```json\n{"),
        ("xml", "<tool_call>\n<function="),
        ("broken", "<"),
    ],
)
async def test_a_model_may_write_its_call_as_text(
    pair: Twins, local: ollama.AsyncClient, calling: Calling, begins: str
) -> None:
    pair.ollama.behaviour = replace(pair.ollama.behaviour, calling=calling)
    whole = await local.chat(QWEN, [{"role": "user", "content": "the weather?"}], tools=TOOLS)
    assert not whole.message.tool_calls
    assert (whole.message.content or "").startswith(begins)


async def test_a_model_held_to_a_format_calls_no_tool(local: ollama.AsyncClient) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    whole = await local.chat(QWEN, [{"role": "user", "content": "the weather?"}], tools=TOOLS, format=schema)
    assert not whole.message.tool_calls
    assert "answer" in (whole.message.content or "")


async def test_a_prompt_is_read_at_the_set_rate_except_for_what_was_read_before(
    pair: Twins, local: ollama.AsyncClient
) -> None:
    pair.ollama.behaviour = replace(pair.ollama.behaviour, prefill_tokens_per_s=20_000.0, tells_cached=True)
    turns = [{"role": "user", "content": "word " * 2_000}]
    first = await local.chat(QWEN, turns)
    turns += [{"role": "assistant", "content": "Yes."}, {"role": "user", "content": "go on"}]
    second = await local.chat(QWEN, turns)
    other = await local.chat(QWEN, [{"role": "user", "content": "another text " * 2_000}])
    tokens, seconds = zip(
        *((answer.prompt_eval_count or 0, answer.prompt_eval_duration or 0) for answer in (first, second, other)),
        strict=True,
    )
    assert seconds[0] == round(tokens[0] / 20_000 * 1e9)
    assert tokens[1] > tokens[0]
    assert seconds[1] < seconds[0] / 100
    assert seconds[2] > seconds[0]
    assert pair.ollama.usage.tokens["cached"] == tokens[0]
