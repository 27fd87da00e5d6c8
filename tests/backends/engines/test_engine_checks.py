import pytest
from msgspec.structs import replace as changed

from backends.engines import registry
from backends.engines.engine_checks import check, check_engines, problems_at_start, runs_here
from backends.rehearsal.behaviour import TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.settings.engines import Engine, GeminiSettings, OllamaSettings, OpenAISettings
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, Check
from tests.backends.engines.rig import KEY, local_settings, response, wire

NOWHERE = GeminiSettings(base_url="http://127.0.0.1:9")


async def checked(engines: dict[str, Engine]) -> dict[str, Check]:
    """The checks by name; the built-in engines that are not given are not there."""
    settings = Settings(engines={"cloud": NOWHERE} | engines)
    return {one.name: one for one in await check(settings, {"cloud": KEY})}


async def local_checks(settings: Engine) -> list[Check]:
    found = await checked({"local": settings})
    return [found[name] for name in ("local engine", "local model", "local only")]


async def stays_here(settings: Engine) -> bool | None:
    (client,) = registry.clients("local", settings)
    try:
        return await runs_here(settings, [client])
    finally:
        await client.close()


async def test_all_is_well(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    settings = Settings(
        engines={
            "local": changed(local_settings(ollama_twin.url), context=32_768),
            "cloud": GeminiSettings(base_url=gemini_twin.url),
        }
    )
    checks = await check(settings, {"cloud": KEY})
    assert [one.name for one in checks] == ["local engine", "local model", "local only", "local window", "cloud engine"]
    assert all(one.ok is True and one.detail and not one.remedy for one in checks)
    assert "Ollama 0." in checks[0].detail
    assert checks[4].detail.endswith(f"{gemini_twin.url} serves gemini-3.5-flash-lite")


async def test_a_check_costs_nothing(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    await checked({"local": local_settings(ollama_twin.url), "cloud": GeminiSettings(base_url=gemini_twin.url)})
    assert not ollama_twin.usage.calls
    assert not gemini_twin.usage.calls
    assert all(name.startswith("GET ") for name in gemini_twin.usage.requests)
    assert gemini_twin.usage.requests.total() == 1


async def test_nobody_there(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    await ollama_twin.close()
    await gemini_twin.close()
    found = await checked({"local": local_settings(ollama_twin.url), "cloud": GeminiSettings(base_url=gemini_twin.url)})
    assert [one.ok for one in found.values()] == [False, False, None, None]
    assert "ollama serve" in found["local engine"].remedy
    assert "network" in found["cloud engine"].remedy


async def test_a_model_that_is_not_pulled(ollama_twin: OllamaTwin) -> None:
    _, model, locality = await local_checks(local_settings(ollama_twin.url, model="absent:7b"))
    assert model.ok is False
    assert "qwen2.5:14b" in model.detail
    assert model.remedy == "run `ollama pull absent:7b`"
    assert locality.ok is None


async def test_a_name_without_a_tag_means_latest(ollama_twin: OllamaTwin) -> None:
    _, model, _ = await local_checks(local_settings(ollama_twin.url, model="nomic-embed-text"))
    assert model.ok is True


async def test_a_relayed_model_does_not_run_here(ollama_twin: OllamaTwin) -> None:
    relayed = TwinModel(name="big:cloud-free", remote_host="https://ollama.com:443")
    ollama_twin.behaviour = changed(ollama_twin.behaviour, models=(*ollama_twin.behaviour.models, relayed))
    settings = local_settings(ollama_twin.url, model="big:cloud-free")
    assert (await local_checks(settings))[2].ok is False
    assert await stays_here(settings) is False
    assert await stays_here(changed(settings, model="gpt-oss:120b-cloud")) is False
    assert await stays_here(changed(settings, model="qwen2.5:14b")) is True


async def test_what_is_not_proved_does_not_run_here(ollama_twin: OllamaTwin) -> None:
    assert await stays_here(local_settings("http://gpu.lan:11434")) is False
    assert await stays_here(local_settings(ollama_twin.url, model="absent:7b")) is False
    await ollama_twin.close()
    assert await stays_here(local_settings(ollama_twin.url)) is None


async def test_a_listed_host_counts_as_local_but_not_a_relayed_model() -> None:
    tags = b'{"version": "0.13.1", "models": [{"name": "a"}, {"name": "b", "remote_host": "https://ollama.com"}]}'
    async with wire(response(tags, kind="application/json")) as server:
        listed = OllamaSettings(base_url=server.url, model="a", zone=LOCAL)
        (client,) = registry.clients("gpu", listed)
        assert await runs_here(listed, [client]) is True
        assert await runs_here(listed, [client], "b:cloud") is False
        assert await runs_here(listed, [client], "b") is False
        assert await runs_here(changed(listed, zone=None), [client]) is True
        await client.close()


async def test_another_machine_is_said_to_be_one() -> None:
    _, _, locality = await local_checks(local_settings("http://name.invalid:11434"))
    assert locality.ok is False
    assert "127.0.0.1" in locality.remedy
    assert "engines.local.zone" in locality.remedy


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"models": 3, "version": 5}', b"<html>"])
async def test_an_answer_of_another_shape_is_no_crash(body: bytes) -> None:
    async with wire(response(body, kind="application/json")) as server:
        checks = await local_checks(local_settings(server.url))
    assert checks[1].ok is not True


async def test_an_openai_compatible_server() -> None:
    listed = b'{"data": [{"id": "qwen2.5:14b"}, 3]}'
    async with wire(response(listed, kind="application/json")) as server:
        settings = OpenAISettings(base_url=server.url)
        assert [one.ok for one in await local_checks(settings)] == [True, True, True]
        _, model, locality = await local_checks(changed(settings, model="x"))
        assert (model.ok, model.remedy) == (False, "set engines.local.model to one it serves")
        assert locality.ok is True
        assert await stays_here(settings) is True


async def test_cloud_troubles_say_what_to_do(gemini_twin: GeminiTwin) -> None:
    cloud = GeminiSettings(base_url=gemini_twin.url)
    settings = Settings(engines={"cloud": cloud})
    (missing,) = await check(settings, {})
    assert "GEMINI_API_KEY" in missing.remedy
    (ended,) = await check(Settings(engines={"cloud": changed(cloud, model="gemini-9")}), {"cloud": KEY})
    assert "engines.cloud.model" in ended.remedy
    gemini_twin.inject(Fault(kind="status", on="list", status=401))
    (refused,) = await check(settings, {"cloud": KEY})
    assert "GEMINI_API_KEY" in refused.remedy
    assert KEY not in refused.detail + refused.remedy


async def test_engines_of_the_operators_own_are_named(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    listed = b'{"data": [{"id": "meta/llama"}]}'
    async with wire(response(listed, kind="application/json")) as server:
        found = await checked(
            {
                "small": OllamaSettings(base_url=ollama_twin.url, model="qwen2.5:14b"),
                "lite": GeminiSettings(base_url=gemini_twin.url, key_env="LITE_KEY"),
                "backup": OpenAISettings(base_url=server.url, model="meta/llama", zone=CLOUD),
            }
        )
    assert list(found)[1:] == [
        "engine small", "model small", "locality small", "window small", "engine lite", "engine backup", "model backup"
    ]  # fmt: skip
    assert [one.ok for one in list(found.values())[1:]] == [True, True, True, True, False, True, True]
    assert "LITE_KEY" in found["engine lite"].remedy


async def test_a_replica_with_another_model_is_found(ollama_twin: OllamaTwin) -> None:
    def tags(digest: str) -> bytes:
        one = f'{{"name": "qwen2.5:14b", "digest": "{digest}"}}'
        return response(f'{{"version": "0.13.1", "models": [{one}]}}'.encode(), kind="application/json")

    async with wire(tags("a" * 64)) as first, wire(tags("b" * 64)) as other, wire(tags("a" * 64)) as same:
        gpu = OllamaSettings(
            base_url=first.url, replicas=(other.url, same.url, "http://127.0.0.1:9"), model="qwen2.5:14b"
        )
        found = await checked({"gpu": gpu})
        engines = registry.build(Settings(engines={"gpu": gpu}), keys={})
        problems = await problems_at_start(Settings(engines={"gpu": gpu}), engines)
        assert await check_engines(Settings(engines={"gpu": gpu}), engines) == tuple(list(found.values())[1:])
        await engines.close()
    assert found["model gpu"].ok is True
    assert found["model gpu replica 2"].ok is True
    assert found["model gpu replica 1"].ok is False
    assert f"{other.url} has another build of qwen2.5:14b (bbbbbbbbbbbb)" in found["model gpu replica 1"].detail
    assert (found["engine gpu replica 3"].ok, found["model gpu replica 3"].ok) == (False, None)
    assert [(each.engine, each.replica, each.check.name, each.other_build) for each in problems] == [
        ("gpu", 1, "model gpu replica 1", True)
    ]


async def test_at_the_start_nothing_is_sent_to_the_cloud(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    settings = Settings(
        engines={"local": local_settings(ollama_twin.url), "cloud": GeminiSettings(base_url=gemini_twin.url)}
    )
    engines = registry.build(settings, keys={"cloud": KEY})
    assert await problems_at_start(settings, engines) == ()
    assert gemini_twin.usage.requests.total() == 0
    await engines.close()
