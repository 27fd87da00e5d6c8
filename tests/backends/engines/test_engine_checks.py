import pytest
from msgspec.structs import replace as changed

from backends.engines.engine_checks import check, check_gemini, check_local, runs_here
from backends.rehearsal.behaviour import TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.settings.engines import GeminiSettings
from backends.settings.model import Settings
from backends.types import Check
from tests.backends.engines.rig import KEY, local_settings, response, wire


def named(checks: tuple[Check, ...], name: str) -> Check:
    return next(one for one in checks if one.name == name)


async def test_all_is_well(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    engines = {"local": local_settings(ollama_twin.url), "cloud": GeminiSettings(base_url=gemini_twin.url)}
    checks = await check(Settings(engines=engines), gemini_key=KEY)
    assert [one.name for one in checks] == ["local engine", "local model", "local only", "cloud engine"]
    assert all(one.ok is True and one.detail and not one.remedy for one in checks)
    assert "Ollama 0." in checks[0].detail


async def test_looking_costs_nothing(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    await check_local(local_settings(ollama_twin.url))
    await check_gemini(GeminiSettings(base_url=gemini_twin.url), KEY)
    assert not ollama_twin.account.calls
    assert not gemini_twin.account.calls
    assert all(name.startswith("GET ") for name in gemini_twin.account.requests)


async def test_nobody_there(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    await ollama_twin.close()
    await gemini_twin.close()
    checks = await check_local(local_settings(ollama_twin.url))
    assert [one.ok for one in checks] == [False, None, None]
    assert "ollama serve" in checks[0].remedy
    cloud = await check_gemini(GeminiSettings(base_url=gemini_twin.url), KEY)
    assert cloud.ok is False
    assert "network" in cloud.remedy


async def test_a_model_that_is_not_pulled(ollama_twin: OllamaTwin) -> None:
    checks = await check_local(local_settings(ollama_twin.url, model="absent:7b"))
    model = named(checks, "local model")
    assert model.ok is False
    assert "qwen2.5:14b" in model.detail
    assert model.remedy == "run `ollama pull absent:7b`"
    assert named(checks, "local only").ok is None


async def test_a_name_without_a_tag_means_latest(ollama_twin: OllamaTwin) -> None:
    checks = await check_local(local_settings(ollama_twin.url, model="nomic-embed-text"))
    assert named(checks, "local model").ok is True


async def test_a_relayed_model_does_not_run_here(ollama_twin: OllamaTwin) -> None:
    relayed = TwinModel(name="big:cloud-free", remote_host="https://ollama.com:443")
    ollama_twin.behaviour = changed(ollama_twin.behaviour, models=(*ollama_twin.behaviour.models, relayed))
    settings = local_settings(ollama_twin.url, model="big:cloud-free")
    assert named(await check_local(settings), "local only").ok is False
    assert not await runs_here(settings)
    assert not await runs_here(changed(settings, model="gpt-oss:120b-cloud"))
    assert await runs_here(changed(settings, model="qwen2.5:14b"))


async def test_what_is_not_proved_does_not_run_here(ollama_twin: OllamaTwin) -> None:
    assert not await runs_here(local_settings("http://gpu.lan:11434"))
    assert not await runs_here(local_settings(ollama_twin.url, model="absent:7b"))
    await ollama_twin.close()
    assert not await runs_here(local_settings(ollama_twin.url))


async def test_another_machine_is_said_to_be_one() -> None:
    place = (await check_local(local_settings("http://name.invalid:11434")))[2]
    assert place.ok is False
    assert "127.0.0.1" in place.remedy


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"models": 3, "version": 5}', b"<html>"])
async def test_an_answer_of_another_shape_is_no_crash(body: bytes) -> None:
    async with wire(response(body, kind="application/json")) as server:
        checks = await check_local(local_settings(server.url))
    assert checks[1].ok is not True


async def test_an_openai_compatible_server() -> None:
    listed = b'{"data": [{"id": "qwen2.5:14b"}, 3]}'
    async with wire(response(listed, kind="application/json")) as server:
        settings = local_settings(server.url, kind="openai")
        assert [one.ok for one in await check_local(settings)] == [True, True, True]
        assert [one.ok for one in await check_local(changed(settings, model="x"))] == [True, False, True]
        assert await runs_here(settings)


async def test_cloud_troubles_say_what_to_do(gemini_twin: GeminiTwin) -> None:
    settings = GeminiSettings(base_url=gemini_twin.url)
    assert "GEMINI_API_KEY" in (await check_gemini(settings, None)).remedy
    missing = await check_gemini(changed(settings, model="gemini-9"), KEY)
    assert "engines.cloud.model" in missing.remedy
    gemini_twin.inject(Fault(kind="status", on="list", status=401))
    refused = await check_gemini(settings, KEY)
    assert "GEMINI_API_KEY" in refused.remedy
    assert KEY not in refused.detail + refused.remedy
