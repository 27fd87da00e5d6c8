"""Settings that would send prompts to an odd place, or text to the terminal that acts on it: one line says which."""

from pathlib import Path

import pytest

from backends.errors import WrongSettings
from backends.settings.loading import load

ESCAPE = r"\u001b]52;c;eA==\u0007"
BIDI = r"\u202e"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "unix:///run/ollama.sock",
        "javascript:alert(1)",
        "//127.0.0.1:11434",
        "127.0.0.1:11434",
        "http://",
        "http:///v1",
        "http://a b/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http://<host>/",
        "http://user:word@127.0.0.1:11434",
        "http://user@127.0.0.1:11434",
    ],
)
@pytest.mark.parametrize("key", ["engines.local.base_url", "engines.local.replicas", "engines.cloud.base_url"])
def test_an_engine_is_at_a_plain_http_address(tmp_path: Path, key: str, url: str) -> None:
    value = f'["{url}"]' if key.endswith("replicas") else f'"{url}"'
    line = refusal(tmp_path, f"{key} = {value}")
    assert f"`{key}` must " in line
    assert "word" not in line.replace("password", "")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:11434", "https://gpu-box.lan/v1", "http://[::1]:11434", "http://bücher.example:80"]
)
def test_names_and_addresses_of_hosts_are_taken(tmp_path: Path, url: str) -> None:
    path = tmp_path / "claw.toml"
    path.write_text(f'engines.local.base_url = "{url}"', encoding="utf-8")
    assert load(path, {}).settings.engines["local"].addresses == (url,)


@pytest.mark.parametrize("odd", [ESCAPE, BIDI, r"\u009b31m", r"\u200b", r"\r\n", r"\u0000"])
@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('agents."a{}".policy = "local"', "agents."),
        ('engines."a{}" = {{ kind = "ollama", model = "m" }}', "engines."),
        ('models."m{}".successor = "n"', "models."),
        ('prices."m{}".input_usd = "1"', "prices."),
        ('gateway.models."m{}" = "local"', "gateway.models."),
        ('agents.scout.cache_scope = "group:{}"', "agents.scout.cache_scope"),
        ('agents.scout.models = ["m{}"]', "agents.scout.models[0]"),
        ('engines.local.model = "m{}"', "engines.local.model"),
        ('engines.local.base_url = "http://h/{}"', "engines.local.base_url"),
        ('console.theme = "t{}"', "console.theme"),
        ('gateway.allowed_hosts = ["h{}"]', "gateway.allowed_hosts[0]"),
        ('notify = [{{ name = "n{}", kind = "ntfy", url = "https://h/t" }}]', "notify[0].name"),
        ('budgets = [{{ scope = "agent:{}", limit_usd = "1" }}]', "budgets[0].scope"),
    ],
)
def test_no_name_or_value_acts_on_a_terminal(tmp_path: Path, text: str, key: str, odd: str) -> None:
    line = refusal(tmp_path, text.format(odd))
    assert f"`{key}" in line
    assert "control or invisible character" in line
    assert line.isprintable()


def test_a_private_word_may_have_any_character(tmp_path: Path) -> None:
    path = tmp_path / "claw.toml"
    path.write_text(r'privacy.words = ["a\u200bb"]', encoding="utf-8")
    assert load(path, {}).settings.privacy.words == ("a\u200bb",)


def refusal(folder: Path, text: str) -> str:
    path = folder / "claw.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongSettings) as refused:
        load(path, {})
    assert str(refused.value).startswith(f"{path}: ")
    return str(refused.value)
