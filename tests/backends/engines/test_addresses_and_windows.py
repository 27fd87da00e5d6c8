"""Addresses, foreign text, windows: what the engines say and ask about themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.engines.address import origin, relayed_by_name
from backends.engines.context_window import refuse_overlong, was_cut
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.settings.engines import is_loopback
from tests.backends.engines.rig import CALL, KEY, LOCAL_ENDPOINT


@given(st.text(max_size=400), st.text(max_size=400))
def test_foreign_text_becomes_one_short_printable_line_without_the_secret(before: str, after: str) -> None:
    line = one_line(before + KEY + after, secret=KEY)
    assert len(line) <= 200
    assert line == "" or line.isprintable()
    assert KEY not in line


def test_foreign_text_loses_escape_sequences_and_line_ends() -> None:
    assert one_line("a\r\nb\x1b]52;c;x\x07\u202ec\x9b1m") == "a b]52;c;xc1m"
    assert one_line("x" * 500) == "x" * 199 + "…"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434",
        "http://localhost",
        "http://[::1]:80/x",
        "http://127.9.9.9",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_loopback_is_local(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://ollama.lan:11434",
        "http://192.168.1.4",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "http://2130706433",
        "http://0.0.0.0",
        "http://[::ffff:10.0.0.1]",
        "http://[bad",
        "",
    ],
)
def test_anything_else_is_not(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "qwen3:cloud", "glm-4.6:cloud"])
def test_relayed_models_show_in_their_name(model: str) -> None:
    assert relayed_by_name(model)
    assert not relayed_by_name(model.replace("cloud", "14b"))


def test_an_origin_tells_no_user_and_no_path() -> None:
    assert origin("https://user:pw@[::1]:8443/a?key=x") == "https://[::1]:8443"
    assert origin("http://127.0.0.1/x") == "http://127.0.0.1"
    assert origin("/only/a/path") == ""
    assert origin("http://host:port") == ""


def test_prompt_and_answer_share_the_window() -> None:
    refuse_overlong(replace(CALL, input_tokens=824), 1_024, LOCAL_ENDPOINT)
    with pytest.raises(EngineError, match=r"engines\.local\.context") as caught:
        refuse_overlong(replace(CALL, input_tokens=825), 1_024, LOCAL_ENDPOINT)
    assert caught.value.kind == "context"


@pytest.mark.parametrize(
    ("sent", "seen", "cut"),
    [(5_000, 2_050, True), (5_000, 4_400, False), (5_000, None, False), (100, 40, False), (1_000, 590, True)],
)
def test_a_prompt_read_in_half_is_cut(sent: int, seen: int | None, cut: bool) -> None:
    assert was_cut(replace(CALL, input_tokens=sent), seen) is cut
