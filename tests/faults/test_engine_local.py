"""The local engine's rows of the fault matrix, as its client sees them."""

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Finished
from backends.engines.ollama import OllamaClient
from backends.engines.openai import OpenAIClient
from backends.rehearsal.faults import Fault
from backends.rehearsal.ollama_twin import OllamaTwin
from tests.backends.engines.rig import CALL, Answer, answer, delta, failure, local_settings, response, sse, wire
from tests.backends.engines.twins import ollama, ollama_twin

__all__ = ["ollama", "ollama_twin"]


async def test_l1_a_full_engine_is_busy_and_answers_again(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.inject(Fault(kind="status", status=503))
    assert (await failure(ollama, CALL)).kind == "busy"
    assert (await answer(ollama, CALL)).finished is not None


@pytest.mark.parametrize("incident", ["L3a", "L3b", "L3c"])
async def test_l3_a_runner_that_dies_is_a_cut_after_what_it_said(
    ollama: OllamaClient, ollama_twin: OllamaTwin, incident: str
) -> None:
    ollama_twin.incident(incident)
    before = Answer()
    error = await failure(ollama, CALL, into=before)
    assert (error.kind, error.billed) == ("cut", False)
    assert before.text
    assert before.finished is None
    assert before.tokens is None


async def test_l3_a_last_line_without_its_end_counts_when_it_is_whole() -> None:
    line = b'{"message":{"role":"assistant","content":"yes"},"done":true,"done_reason":"stop"}'
    async with wire(response(line), response(line[:-1])) as server:
        engine = OllamaClient("local", local_settings(server.url))
        whole = await answer(engine, CALL)
        assert (whole.text, whole.finished) == ("yes", Finished(finish="stop"))
        assert (await failure(engine, CALL)).kind == "cut"
        await engine.close()


async def test_l4_a_window_named_in_a_400(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.incident("L4")
    error = await failure(ollama, CALL)
    assert (error.kind, error.status) == ("context", 400)


async def test_l4_a_prompt_cut_without_a_word_is_flagged(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    """The twin cuts as an older Ollama does: its model's window is smaller than the one that is asked for."""
    small = changed(ollama_twin.behaviour.models[0], context=1_024)
    ollama_twin.behaviour = changed(ollama_twin.behaviour, models=(small,), cuts_prompts=True)
    long = changed(CALL.messages[1], text="word " * 2_000)
    engine = OllamaClient("local", local_settings(ollama_twin.url, context=4_096))
    whole = await answer(engine, changed(CALL, messages=(long,), input_tokens=2_000))
    await engine.close()
    assert ollama_twin.usage.calls[-1].input < 600
    assert whole.finished is not None
    assert whole.finished.context_cut


async def test_l4_a_prompt_beyond_the_window_is_refused_rather_than_cut(
    ollama: OllamaClient, ollama_twin: OllamaTwin
) -> None:
    """Our own count may be too low; Ollama is told to say so."""
    small = changed(ollama_twin.behaviour.models[0], context=1_024)
    ollama_twin.behaviour = changed(ollama_twin.behaviour, models=(small,))
    error = await failure(ollama, changed(CALL, messages=(changed(CALL.messages[1], text="word " * 2_000),)))
    assert (error.kind, error.status) == ("context", 400)


async def test_l5_a_runner_that_does_not_come_up(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.incident("L5b")
    error = await failure(ollama, CALL)
    assert (error.kind, error.status) == ("unavailable", 500)


async def test_l5_loading_longer_than_the_wait_for_a_first_byte(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.incident("L5")
    error = await failure(ollama, changed(CALL, first_byte_s=0.05))
    assert (error.kind, error.billed) == ("timeout", False)
    assert "0.05 s" in str(error)


async def test_l6_mixed_calls_load_the_model_once(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    for number in range(40):
        call = changed(CALL, max_output=20 + number, input_tokens=10 * number, seed=number)
        await answer(ollama, call)
    assert ollama_twin.usage.loads == 1


async def test_l8_a_runaway_ends_at_its_cap(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.incident("L8")
    whole = await answer(ollama, changed(CALL, max_output=33))
    assert whole.finished is not None
    assert whole.finished.finish == "length"
    assert whole.tokens is not None
    assert whole.tokens.output == 33


async def test_l9_an_idle_connection_that_is_reset_was_never_answered(
    ollama: OllamaClient, ollama_twin: OllamaTwin
) -> None:
    await answer(ollama, CALL)
    ollama_twin.incident("L9")
    error = await failure(ollama, CALL)
    assert (error.kind, error.billed) == ("unavailable", False)
    assert (await answer(ollama, CALL)).finished is not None


async def test_l9_a_restart_between_calls(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    await answer(ollama, CALL)
    await ollama_twin.restart()
    try:
        whole = await answer(ollama, CALL)
    except ConnectionError:
        raise AssertionError("a raw connection error") from None
    assert whole.finished is not None


async def test_silence_in_the_middle(ollama: OllamaClient, ollama_twin: OllamaTwin) -> None:
    ollama_twin.inject(Fault(kind="silence", after=3))
    before = Answer()
    error = await failure(ollama, changed(CALL, idle_s=0.05), into=before)
    assert error.kind == "timeout"
    assert before.text


@pytest.mark.parametrize("kind", ["drop", "reset"])
async def test_a_broken_connection_in_the_middle(ollama: OllamaClient, ollama_twin: OllamaTwin, kind: str) -> None:
    ollama_twin.inject(Fault(kind=kind, after=3))  # type: ignore[arg-type]
    before = Answer()
    assert (await failure(ollama, CALL, into=before)).kind == "cut"
    assert before.text


async def test_a_line_may_hold_what_unicode_takes_for_its_end() -> None:
    said = "a\u0085b\u2028c\u2029d"
    line = f'{{"message":{{"role":"assistant","content":"{said}"}},"done":true}}\n'.encode()
    async with wire(response(*(line[at : at + 1] for at in range(len(line))))) as server:
        engine = OllamaClient("local", local_settings(server.url))
        assert (await answer(engine, CALL)).text == said
        await engine.close()


async def test_a_line_that_never_ends_is_not_gathered_for_ever() -> None:
    async with wire(response(*[b"x" * 1_048_576] * 9, end=False)) as server:
        engine = OllamaClient("local", local_settings(server.url))
        assert (await failure(engine, CALL)).kind == "protocol"
        await engine.close()


@pytest.mark.parametrize(
    "body",
    [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
    ],
)
async def test_what_is_no_plain_http_is_against_the_protocol(body: bytes) -> None:
    async with wire(body) as server:
        engine = OllamaClient("local", local_settings(server.url))
        assert (await failure(engine, CALL)).kind == "protocol"
        await engine.close()


async def test_wire_oddities_of_an_openai_compatible_server() -> None:
    """CRLF, UTF-8 split over chunks, keep-alives and comments change nothing."""
    said = "naïve – 日本語 😀"
    events = sse(delta(said), delta(None, "stop"), b"[DONE]").replace(b"\n", b"\r\n")
    stream = b": ping\r\n\r\n\r\n" + events
    async with wire(response(*(stream[at : at + 1] for at in range(len(stream))))) as server:
        engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
        whole = await answer(engine, CALL)
        await engine.close()
    assert whole.text == said
    assert whole.finished == Finished(finish="stop")
