"""The window of a local model: from its metadata and the machine's memory, learned once, the same for every call."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from backends.engines.base import EngineClient
from backends.engines.engine_checks import check_engines
from backends.engines.ollama import OllamaClient
from backends.engines.ollama.window_size import LEAST, USUAL, ModelFacts, largest, provisional, read_facts
from backends.engines.ollama.windows import Windows
from backends.rehearsal.behaviour import OLLAMA, TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.ollama_models import show
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.settings.engines import OllamaSettings
from backends.settings.model import Settings
from backends.types import MachineMemory
from tests.backends.engines.rig import CALL, answer, failure
from tests.backends.engines.twins import ollama_twin

__all__ = ["ollama_twin"]

GB = 10**9
QWEN = ModelFacts(context=32_768, weights_b=9 * GB, cache_numbers=98_304)
LLAMA = ModelFacts(context=131_072, weights_b=5 * GB, cache_numbers=65_536)


def memory(gpu: int = 0, ram: int = 0) -> MachineMemory:
    return MachineMemory(gpu_b=gpu * GB or None, ram_b=ram * GB or None)


@pytest.mark.parametrize(
    ("facts", "has", "tokens"),
    [
        (QWEN, memory(gpu=24, ram=64), 32_768),  # all on the GPU
        (QWEN, memory(gpu=12, ram=64), 32_768),  # some of it in main memory
        (QWEN, memory(ram=64), 32_768),
        (QWEN, memory(ram=20), 32_768),  # one call at a time
        (QWEN, memory(ram=14), 19 * 1_024),
        (QWEN, memory(gpu=12, ram=0), LEAST),
        (QWEN, memory(ram=8), 32_768),  # no place for the weights: it runs elsewhere
        (QWEN, None, 32_768),
        (LLAMA, memory(gpu=24, ram=64), 63 * 1_024),
        (LLAMA, memory(ram=512), USUAL),  # main memory is the others', too
        (LLAMA, None, USUAL),
        (ModelFacts(), memory(gpu=80), USUAL),
        (ModelFacts(context=8_192), memory(gpu=80), 8_192),
        (changed(LLAMA, num_ctx=10_000), memory(gpu=80), 10_000),
        (changed(QWEN, num_ctx=100_000), None, 32_768),
    ],
)
def test_a_window_is_what_the_model_has_and_the_memory_holds(
    facts: ModelFacts, has: MachineMemory | None, tokens: int
) -> None:
    assert largest(facts, has, parallel=2).tokens == tokens


def test_where_ollama_is_known_to_run_several_calls_at_once_the_memory_is_theirs_together() -> None:
    assert largest(QWEN, memory(ram=20), parallel=2, places=2).tokens == 23 * 1_024
    assert largest(QWEN, memory(gpu=24), parallel=1, places=4).tokens == LEAST
    assert largest(LLAMA, memory(gpu=24), parallel=2, places=1).tokens == 127 * 1_024


def test_its_line_says_what_it_follows_from() -> None:
    assert largest(QWEN, memory(gpu=28), parallel=2).line == "window 32,768 (auto: model 32,768, memory holds 42,622)"
    assert largest(QWEN, None, parallel=2).line == "window 32,768 (auto: model 32,768, memory not known)"


@given(
    facts=st.builds(
        ModelFacts,
        context=st.none() | st.integers(1, 10**7),
        weights_b=st.none() | st.integers(1, 10**12),
        cache_numbers=st.none() | st.integers(1, 10**7),
    ),
    gpu=st.none() | st.integers(1, 10**12),
    ram=st.none() | st.integers(1, 10**12),
    more=st.integers(0, 10**12),
    parallel=st.integers(1, 64),
)
def test_it_never_exceeds_the_model_and_more_memory_or_fewer_places_never_make_it_smaller(
    facts: ModelFacts, gpu: int | None, ram: int | None, more: int, parallel: int
) -> None:
    has = MachineMemory(gpu_b=gpu, ram_b=ram)
    found = largest(facts, has, parallel=parallel).tokens
    assert 0 < found <= max(facts.context or USUAL, 1)
    holds = "memory holds" in largest(facts, has, parallel=parallel).why
    richer = largest(facts, changed(has, gpu_b=(gpu or 0) + more), parallel=parallel).tokens
    assert not holds or (richer >= found and largest(facts, has, parallel=1).tokens >= found)
    assert not holds or largest(facts, has, parallel=parallel, cache_type="q8_0").tokens >= found


def test_facts_are_read_from_what_the_server_shows() -> None:
    (qwen, *_) = OLLAMA.models
    facts = read_facts(show(qwen), qwen.size_b)
    assert facts == ModelFacts(context=32_768, weights_b=qwen.size_b, cache_numbers=98_304)
    assert (facts.cache_numbers or 0) * 2 == qwen.kv_bytes


def test_a_head_may_have_a_size_of_its_own_a_layer_a_number_of_heads_and_a_modelfile_a_window() -> None:
    info: dict[str, Any] = {
        "general.architecture": "gemma3",
        "gemma3.context_length": 131_072,
        "gemma3.block_count": 2,
        "gemma3.attention.head_count": 8,
        "gemma3.attention.head_count_kv": [4, 2],
        "gemma3.attention.key_length": 256,
        "gemma3.attention.value_length": 128,
    }
    facts = read_facts({"model_info": info, "parameters": 'stop      "<end>"\nnum_ctx                   8192'}, 1)
    assert (facts.cache_numbers, facts.num_ctx) == (6 * 384, 8_192)


@pytest.mark.parametrize("shown", [{}, {"model_info": None}, {"model_info": {"general.architecture": ["x"]}}])
def test_a_server_that_says_nothing_of_a_model_is_believed(shown: dict[str, Any]) -> None:
    assert read_facts(shown, None) == ModelFacts()


def test_until_a_server_answers_the_window_is_what_the_models_name_is_known_for() -> None:
    assert (provisional("qwen2.5:14b").tokens, provisional("hf.co/someone/qwen3-thing").tokens) == (USUAL, USUAL)
    assert (provisional("tinyllama").tokens, provisional("tinyllama").known) == (LEAST, False)


def settings(*urls: str, **changes: Any) -> OllamaSettings:
    return OllamaSettings(base_url=urls[0], replicas=urls[1:], **changes)


async def window_of(twin: OllamaTwin, engine: OllamaClient) -> int:
    """The window that a call asks for."""
    await answer(engine, CALL)
    return int(json.loads(twin.seen[-1].body)["options"]["num_ctx"])


def shrunk(twin: OllamaTwin, **changes: Any) -> None:
    """The twin's model becomes another."""
    first, *others = twin.behaviour.models
    twin.behaviour = changed(twin.behaviour, models=(changed(first, **changes), *others))


async def test_many_first_calls_ask_once_and_all_have_the_models_own_window(ollama_twin: OllamaTwin) -> None:
    engine = OllamaClient("local", settings(ollama_twin.url))
    assert not engine.capabilities(CALL.model).window_known
    await asyncio.gather(*(answer(engine, CALL) for _ in range(8)))
    assert (engine.capabilities(CALL.model).context, engine.capabilities(CALL.model).window_known) == (32_768, True)
    shrunk(ollama_twin, context=20_000)
    assert await window_of(ollama_twin, engine) == 32_768
    assert (ollama_twin.usage.requests["POST /api/show"], ollama_twin.usage.loads) == (1, 2)
    await engine.close()


async def test_this_machines_memory_counts_for_a_server_on_it(ollama_twin: OllamaTwin) -> None:
    async def has() -> MachineMemory:
        return memory(ram=14)

    configured = settings(ollama_twin.url)
    engine = OllamaClient("local", configured, windows=Windows(configured, memory=has, environ={}))
    assert await window_of(ollama_twin, engine) == 19 * 1_024
    single = Windows(configured, memory=has, environ={"OLLAMA_NUM_PARALLEL": "1", "OLLAMA_KV_CACHE_TYPE": "q4_0"})
    other = OllamaClient("local", configured, windows=single)
    assert await window_of(ollama_twin, other) == 32_768
    await engine.close()
    await other.close()


async def test_the_smallest_of_all_replicas_holds_for_each(ollama_twin: OllamaTwin) -> None:
    small = OllamaTwin(changed(OLLAMA, models=(TwinModel(name="qwen2.5:14b", context=20_000),)), keep_bodies=True)
    configured = settings(ollama_twin.url, await small.start())
    windows = Windows(configured)
    engines = [OllamaClient("local", configured, base_url=url, windows=windows) for url in configured.addresses]
    assert [await window_of(ollama_twin, engines[0]), await window_of(small, engines[1])] == [20_000, 20_000]
    for engine in engines:
        await engine.close()
    await small.close()


async def test_a_number_is_taken_as_it_is(ollama_twin: OllamaTwin) -> None:
    engine = OllamaClient("local", settings(ollama_twin.url, context=5_000))
    assert await window_of(ollama_twin, engine) == 5_000
    assert ollama_twin.usage.requests["POST /api/show"] == 0
    await engine.close()


async def test_nothing_is_sent_before_the_window_is_known(ollama_twin: OllamaTwin) -> None:
    engine = OllamaClient("local", settings(ollama_twin.url))
    await ollama_twin.close()
    assert (await failure(engine, CALL)).kind == "unavailable"
    assert not engine.capabilities(CALL.model).window_known
    await ollama_twin.start(int(ollama_twin.url.rpartition(":")[2]))
    assert (await failure(engine, changed(CALL, model="other"))).kind == "model"
    ollama_twin.inject(Fault(kind="status", status=500, on="list"))
    assert await window_of(ollama_twin, engine) == 32_768
    await engine.close()


async def test_doctor_shows_the_window(ollama_twin: OllamaTwin) -> None:
    configured = settings(ollama_twin.url)
    clients: dict[str, tuple[EngineClient, ...]] = {"local": (OllamaClient("local", configured),)}
    found = {check.name: check.detail for check in await check_engines(Settings(), clients)}
    assert found["local model"] == "qwen2.5:14b is there"
    assert found["local window"] == "window 32,768 (auto: model 32,768, memory not known): agents' prompts fit"
    await clients["local"][0].close()
