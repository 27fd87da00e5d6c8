import pytest

from backends.gateway.names import is_plain, models, resolve
from backends.gateway.refusal import Turned
from backends.settings import AGENTS, Settings
from tests.backends.gateway.scripted_core import snapshot


def test_an_unknown_name_is_answered_with_the_valid_ones(settings: Settings) -> None:
    with pytest.raises(Turned) as turned:
        resolve("gpt-4o", None, settings, snapshot().engines)
    assert (turned.value.http_status, turned.value.kind, turned.value.param) == (400, "model_not_found", "model")
    for name in ("auto", "local", "cloud", *AGENTS, "qwen2.5:14b", "gemini-3.5-flash-lite"):
        assert name in str(turned.value)
    assert "gpt-4o" not in str(turned.value)


def test_only_an_engine_s_own_model_needs_a_look_at_the_engines(settings: Settings) -> None:
    assert all(is_plain(name, settings) for name in ("auto", "local", "cloud", *AGENTS))
    assert not is_plain("qwen2.5:14b", settings)


def test_without_engines_the_settings_name_the_models() -> None:
    settings = Settings()
    assert models(settings, ()) == [("local", "qwen2.5:14b"), ("cloud", "gemini-3.5-flash-lite")]
