"""The cloud engine's rows of the fault matrix, as its client sees them."""

import asyncio
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed

from backends.engines.base import Finished
from backends.engines.gemini import GeminiClient
from backends.errors import EngineErrorKind
from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.settings.engines import GeminiSettings
from tests.backends.engines.rig import CLOUD_CALL, KEY, Answer, answer, candidate, failure, response, sse, wire
from tests.backends.engines.twins import gemini, gemini_twin

__all__ = ["gemini", "gemini_twin"]


def self_signed(path: Path) -> Path:
    """A certificate and its key for 127.0.0.1, signed by itself."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def engine_at(url: str) -> GeminiClient:
    return GeminiClient("cloud", GeminiSettings(base_url=url), KEY)


@pytest.mark.parametrize(
    ("incident", "kind", "retry_after_s"),
    [
        ("C1", "rate-limited", 36.0),
        ("C2", "daily-quota", None),
        ("C2b", "rate-limited", None),
        ("C2c", "daily-quota", None),
        ("C3", "unavailable", None),
        ("C3b", "unavailable", None),
        ("C10", "key", None),
        ("C10b", "key", None),
        ("C10c", "key", None),
        ("C10d", "key", None),
        ("C11", "model", None),
    ],
)
async def test_refusals_cost_nothing_and_are_asked_once(
    gemini: GeminiClient, gemini_twin: GeminiTwin, incident: str, kind: EngineErrorKind, retry_after_s: float | None
) -> None:
    gemini_twin.incident(incident)
    error = await failure(gemini, CLOUD_CALL)
    assert (error.kind, error.retry_after_s, error.billed) == (kind, retry_after_s, False)
    assert error.status is not None
    assert ": " in str(error)
    assert gemini_twin.usage.requests.total() == 1


async def test_c3_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        engine = engine_at(f"http://127.0.0.1:{free.getsockname()[1]}")
        error = await failure(engine, CLOUD_CALL)
        await engine.close()
    assert (error.kind, error.billed) == ("unavailable", False)
    assert "refused" in str(error)


async def test_c3_a_name_that_does_not_resolve() -> None:
    engine = engine_at("http://gemini.invalid")
    error = await failure(engine, CLOUD_CALL)
    await engine.close()
    assert (error.kind, error.billed) == ("unavailable", False)


async def test_c3_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed(tmp_path / "own.pem"))
    async with wire(b"", ssl=context) as server:
        engine = engine_at(server.url)
        error = await failure(engine, CLOUD_CALL)
        await engine.close()
    assert (error.kind, error.billed) == ("unavailable", False)
    assert "certificate" in str(error)
    assert server.requests == []


async def test_c3_a_handshake_that_does_not_end_was_no_call() -> None:
    async with wire(b"") as server:
        engine = engine_at(server.url.replace("http:", "https:"))
        error = await failure(engine, changed(CLOUD_CALL, first_byte_s=0.3))
        await engine.close()
    assert (error.kind, error.billed) == ("unavailable", False)
    assert server.requests == []


async def test_c4_accepted_and_silent_may_be_billed(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    gemini_twin.incident("C4")
    error = await failure(gemini, changed(CLOUD_CALL, first_byte_s=0.1))
    assert (error.kind, error.billed) == ("timeout", True)


async def test_c4_read_and_hung_up_may_be_billed() -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with wire(hang_up) as server:
        engine = engine_at(server.url)
        error = await failure(engine, CLOUD_CALL)
        await engine.close()
    assert (error.kind, error.billed) == ("cut", True)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("incident", "kind"), [("C5a", "timeout"), ("C5b", "cut"), ("C5c", "cut"), ("C5d", "cut")])
async def test_c5_what_breaks_in_the_middle_is_no_answer(
    gemini: GeminiClient, gemini_twin: GeminiTwin, incident: str, kind: EngineErrorKind
) -> None:
    gemini_twin.incident(incident)
    before = Answer()
    error = await failure(gemini, changed(CLOUD_CALL, idle_s=0.1), into=before)
    assert (error.kind, error.billed) == (kind, True)
    assert before.text
    assert before.tokens is not None
    assert before.finished is None


async def test_c5_an_error_written_as_bare_lines() -> None:
    bare = b'{\n  "error": {\n    "code": 500,\n    "message": "Internal"\n  }\n}\n'
    async with wire(response(sse(candidate("x")), bare)) as server:
        engine = engine_at(server.url)
        error = await failure(engine, CLOUD_CALL)
        await engine.close()
    assert (error.kind, error.billed) == ("cut", True)
    assert "Internal" in str(error)


@pytest.mark.parametrize(
    "event", [b'{"error": 3}', b'{"error": {}}', b"[1]", b'"x"', b"{nothing", b'{"candidates": 3}']
)
async def test_c5_events_of_another_shape_are_no_answer_and_are_not_quoted(event: bytes) -> None:
    async with wire(response(sse(event))) as server:
        engine = engine_at(server.url)
        error = await failure(engine, CLOUD_CALL)
        await engine.close()
    assert error.kind in ("protocol", "cut")
    assert error.billed
    assert "nothing" not in str(error)


async def test_c6_thinking_ate_the_cap(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    gemini_twin.incident("C6")
    whole = await answer(gemini, CLOUD_CALL)
    assert whole.text == ""
    assert whole.finished == Finished(finish="length", reason="MAX_TOKENS")
    assert whole.tokens is not None
    assert whole.tokens.thinking == 264


@pytest.mark.parametrize(
    ("incident", "reason"), [("C7", "PROHIBITED_CONTENT"), ("C7b", "SAFETY"), ("C7c", "RECITATION")]
)
async def test_c7_blocked_says_why(gemini: GeminiClient, gemini_twin: GeminiTwin, incident: str, reason: str) -> None:
    gemini_twin.incident(incident)
    whole = await answer(gemini, CLOUD_CALL)
    assert whole.finished == Finished(finish="blocked", reason=reason)


@pytest.mark.parametrize("incident", ["C8", "C8b", "C8c", "C8d", "C8e"])
async def test_c8_odd_usage_leaves_the_answer_alone(
    gemini: GeminiClient, gemini_twin: GeminiTwin, incident: str
) -> None:
    expected = (await answer(gemini, CLOUD_CALL)).text
    gemini_twin.incident(incident)
    whole = await answer(gemini, CLOUD_CALL)
    record = gemini_twin.usage.calls[-1]
    assert whole.text == expected
    assert whole.finished == Finished(finish="stop")
    if incident == "C8":
        assert whole.tokens is None
        return
    assert whole.tokens is not None
    assert (whole.tokens.input, whole.tokens.thinking) == (record.input, record.thinking)
    assert whole.tokens.output == record.output or incident == "C8c"


async def test_c8_totals_run_and_zeros_do_not_count() -> None:
    def counts(prompt: int, output: int) -> dict[str, Any]:
        return {"usageMetadata": {"promptTokenCount": prompt, "candidatesTokenCount": output}}

    events = sse(candidate("a", **counts(9, 1)), candidate("b", **counts(9, 2)), candidate("c", "STOP", **counts(0, 0)))
    async with wire(response(events)) as server:
        engine = engine_at(server.url)
        whole = await answer(engine, CLOUD_CALL)
        await engine.close()
    assert whole.tokens is not None
    assert (whole.tokens.input, whole.tokens.output) == (9, 2)


@pytest.mark.parametrize("incident", ["C9a", "C9b", "C9c", "C9d", "C9e", "C9f", "C9g"])
async def test_c9_odd_wires_give_the_same_answer(gemini: GeminiClient, gemini_twin: GeminiTwin, incident: str) -> None:
    expected = await answer(gemini, CLOUD_CALL)
    gemini_twin.incident(incident)
    whole = await answer(gemini, CLOUD_CALL)
    assert whole.text == expected.text
    assert whole.tokens == expected.tokens
    assert whole.finished == Finished(finish="stop")


async def test_c9_an_event_beyond_8_mib_ends_honestly(gemini: GeminiClient, gemini_twin: GeminiTwin) -> None:
    gemini_twin.inject(Fault(kind="wire", mode="big", size_b=9 * 1024 * 1024))
    error = await failure(gemini, CLOUD_CALL)
    assert (error.kind, error.billed) == ("protocol", True)
    assert "8 MiB" in str(error)


async def test_c9_comments_fields_and_a_last_event_without_its_blank_line() -> None:
    stream = b": ping\n\nevent: message\nid: 1\n" + sse(candidate("a")) + sse(candidate("b", "STOP")).rstrip()
    async with wire(response(stream)) as server:
        engine = engine_at(server.url)
        whole = await answer(engine, CLOUD_CALL)
        await engine.close()
    assert whole.text == "ab"
    assert whole.finished == Finished(finish="stop")
