"""The local rows of the fault matrix, as the ollama SDK sees them."""

import asyncio
import json

import httpx
import ollama
import pytest
from msgspec.structs import replace

from backends.rehearsal.faults import Fault
from backends.rehearsal.process import Twins
from tests.backends.rehearsal.requests import PROMPT, QWEN, said, stream
from tests.waiting import until


async def heard(client: ollama.AsyncClient) -> tuple[list[ollama.ChatResponse], Exception | None]:
    """What came, and the error that ended it."""
    parts: list[ollama.ChatResponse] = []
    try:
        async for part in await stream(client):
            parts.append(part)
    except (ollama.ResponseError, json.JSONDecodeError, httpx.HTTPError) as error:
        return parts, error
    return parts, None


@pytest.mark.parametrize(
    ("incident", "status", "words"),
    [
        ("L1", 503, "server busy, please try again.  maximum pending requests exceeded"),
        ("L4", 400, "exceeds the context length"),
        ("L5b", 500, "timed out waiting for llama runner to start"),
    ],
)
async def test_refusals(pair: Twins, local: ollama.AsyncClient, incident: str, status: int, words: str) -> None:
    pair.ollama.incident(incident)
    parts, error = await heard(local)

    assert not parts
    assert isinstance(error, ollama.ResponseError)
    assert error.status_code == status
    assert words in error.error
    [call] = pair.ollama.usage.calls
    assert (call.end, call.status, call.input, call.output) == ("refused", status, 0, 0)


async def test_a_standing_fault_stays_and_a_counted_one_goes(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.inject(Fault(kind="status", status=503, times=2))
    errors = [(await heard(local))[1] for _ in range(3)]
    assert [error is None for error in errors] == [False, False, True]

    pair.ollama.incident("L1")
    for _ in range(3):
        assert (await heard(local))[1] is not None
    pair.ollama.reset()
    assert (await heard(local))[1] is None


async def test_a_runner_that_dies_says_so_in_a_line(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.incident("L3a")
    parts, error = await heard(local)

    assert len(parts) == 5
    assert isinstance(error, ollama.ResponseError)
    assert error.status_code == -1
    assert "unexpected EOF" in error.error


async def test_a_stream_may_just_end(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.incident("L3b")
    parts, error = await heard(local)

    assert error is None
    assert [part.done for part in parts] == [False] * 5
    [call] = pair.ollama.usage.calls
    assert (call.end, call.output) == ("cut", 5)


async def test_half_a_line(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.incident("L3c")
    parts, error = await heard(local)

    assert len(parts) == 5
    assert isinstance(error, json.JSONDecodeError)


@pytest.mark.parametrize("kind", ["reset", "drop"])
async def test_a_connection_breaks_in_mid_stream(pair: Twins, local: ollama.AsyncClient, kind: str) -> None:
    pair.ollama.inject(Fault(kind=kind, after=4))  # type: ignore[arg-type]
    parts, error = await heard(local)

    assert len(parts) <= 4
    assert isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
    assert pair.ollama.usage.ends == {"cut": 1}


async def test_a_reset_before_the_first_byte(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.inject(Fault(kind="reset"))
    parts, error = await heard(local)

    assert not parts
    assert isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)


@pytest.mark.parametrize("after", [None, 0, 3])
async def test_silence_lasts_until_the_caller_leaves(pair: Twins, local: ollama.AsyncClient, after: int | None) -> None:
    pair.ollama.inject(Fault(kind="silence", after=after))
    seen: list[ollama.ChatResponse] = []

    async def read() -> None:
        async for part in await stream(local):
            seen.append(part)

    reading = asyncio.create_task(read())
    await until(lambda: pair.ollama.usage.open == 1 and len(seen) == (after or 0))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: pair.ollama.usage.open == 0)
    assert pair.ollama.usage.ends == {"aborted": 1}


async def test_silence_for_a_time_is_only_late(pair: Twins, local: ollama.AsyncClient) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pair.ollama.sleep = sleep
    pair.ollama.inject(Fault(kind="silence", seconds=90.0), Fault(kind="silence", after=2, seconds=7.0))
    assert (await said(local))[-1].done
    assert (await said(local))[-1].done
    assert {90.0, 7.0} <= set(slept)


async def test_a_load_comes_before_the_first_byte(pair: Twins, local: ollama.AsyncClient) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pair.ollama.sleep = sleep
    pair.ollama.incident("L5")
    await said(local)
    await said(local)

    assert slept.count(90.0) == 1


async def test_a_slow_gpu(pair: Twins, local: ollama.AsyncClient) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pair.ollama.sleep = sleep
    pair.ollama.incident("L7")
    last = (await said(local))[-1]

    assert slept.count(1 / 3) == last.eval_count
    assert (await local.ps()).models[0].size_vram == 0


async def test_a_runaway_ends_at_its_cap_and_only_there(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.incident("L8")
    parts = await said(local, options={"num_predict": 40})
    assert parts[-1].done_reason == "length"
    assert parts[-1].eval_count == len(parts) - 1 == 40

    endless = await stream(local)
    for _ in range(500):
        assert not (await anext(endless)).done
    await endless.aclose()  # type: ignore[attr-defined]
    await until(lambda: pair.ollama.usage.open == 0)


async def test_an_idle_connection_is_reset_on_reuse_only(pair: Twins) -> None:
    body = {"model": QWEN, "messages": [{"role": "user", "content": PROMPT}], "stream": False}
    async with httpx.AsyncClient(base_url=pair.ollama.url) as http:
        pair.ollama.incident("L9")
        assert (await http.post("/api/chat", json=body)).status_code == 200
        with pytest.raises(httpx.ReadError):
            await http.post("/api/chat", json=body)
        assert (await http.post("/api/chat", json=body)).status_code == 200


async def test_a_restart_keeps_the_port(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.inject(Fault(kind="silence", after=2))
    parts = await stream(local)
    await anext(parts)
    await anext(parts)
    await pair.ollama.restart()
    with pytest.raises(httpx.HTTPError):
        await anext(parts)
    assert (await said(local))[-1].done
    assert pair.ollama.usage.ends == {"aborted": 1, "finished": 1}


async def test_usage_may_be_missing(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.inject(Fault(kind="usage", mode="absent"))
    last = (await said(local))[-1]

    assert last.done
    assert (last.prompt_eval_count, last.eval_count) == (None, None)
    assert pair.ollama.usage.tokens["output"] > 0


@pytest.mark.parametrize("mode", ["split", "crlf", "keep-alive"])
async def test_odd_bytes_carry_the_same_text(pair: Twins, mode: str) -> None:
    body = {"model": QWEN, "messages": [{"role": "user", "content": "list 7 ideas"}]}
    async with httpx.AsyncClient(base_url=pair.ollama.url) as http:
        plain = (await http.post("/api/chat", json=body)).text
        pair.ollama.inject(Fault(kind="wire", mode=mode))
        odd = (await http.post("/api/chat", json=body)).text

    def words(answer: str) -> str:
        return "".join(json.loads(line)["message"]["content"] for line in answer.splitlines() if line.strip())

    assert words(odd) == words(plain)
    assert not words(plain).isascii()


async def test_a_redirect_names_the_other_origin(pair: Twins) -> None:
    pair.ollama.inject(Fault(kind="redirect", location="http://127.0.0.1:9"))
    async with httpx.AsyncClient(base_url=pair.ollama.url) as http:
        body = {"model": QWEN, "messages": [{"role": "user", "content": PROMPT}]}
        answer = await http.post("/api/chat", json=body)

    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:9/api/chat")
    assert pair.ollama.usage.ends == {"refused": 1}


async def test_faults_wait_for_their_own_endpoint(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.inject(Fault(kind="status", status=500, on="list"), Fault(kind="status", status=500, on="embed"))

    assert (await said(local))[-1].done
    with pytest.raises(ollama.ResponseError):
        await local.ps()
    with pytest.raises(ollama.ResponseError):
        await local.embed("nomic-embed-text", "a")
    assert not pair.ollama.behaviour.faults


async def test_hidden_queue(pair: Twins, local: ollama.AsyncClient) -> None:
    pair.ollama.incident("L2")
    async with asyncio.TaskGroup() as calls:
        running = [calls.create_task(said(local)) for _ in range(12)]
    assert all(call.result()[-1].done for call in running)
    assert pair.ollama.usage.most_open > 1
    assert pair.ollama.admission.running == 0


async def test_the_room_grows_while_it_is_full(pair: Twins, local: ollama.AsyncClient) -> None:
    go = asyncio.Event()

    async def held(_: float) -> None:
        await go.wait()

    pair.ollama.sleep = held
    pair.ollama.behaviour = replace(pair.ollama.behaviour, parallel=1)
    async with asyncio.TaskGroup() as calls:
        for _ in range(3):
            calls.create_task(said(local))
        await until(lambda: pair.ollama.admission.waiting == 2)
        pair.ollama.behaviour = replace(pair.ollama.behaviour, parallel=3)
        assert (pair.ollama.admission.running, pair.ollama.admission.waiting) == (3, 0)
        go.set()
