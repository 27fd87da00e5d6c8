"""`claw config` with engines of the operator's own."""

import json
from pathlib import Path

import pytest

from backends.commands import main

ENGINES = """
[engines.gpu]
kind = "ollama"
zone = "local"
model = "qwen2.5:32b"
base_url = "http://10.0.0.1:11434"
replicas = ["http://10.0.0.2:11434", "http://10.0.0.3:11434"]

[engines.backup-eu]
kind = "openai"
zone = "cloud"
model = "some/model"
base_url = "https://api.example/v1"
key_env = "BACKUP_KEY"
"""


@pytest.fixture
def config(home: Path) -> Path:
    home.mkdir()
    path = home / "claw.toml"
    path.write_text(ENGINES)
    return path


def test_engines_of_any_name_are_printed_with_their_kind_and_source(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {name: shown[f"engines.{name}.kind"]["value"] for name in ("local", "cloud", "gpu", "backup-eu")} == {
        "local": "ollama",
        "cloud": "gemini",
        "gpu": "ollama",
        "backup-eu": "openai",
    }
    assert shown["engines.gpu.kind"]["source"] == str(config)
    assert shown["engines.local.kind"]["source"] == "built in"
    assert shown["engines.gpu.model"] == {"value": "qwen2.5:32b", "source": str(config)}
    assert shown["engines.backup-eu.key_env"]["value"] == "BACKUP_KEY"


def test_s18_no_password_of_a_proxy_is_printed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "engines.cloud.proxy", "http://user:s3cret@10.0.0.4:1"]) == 0
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    assert "s3cret" not in printed
    assert printed.count("http://…@10.0.0.4:1") == 2


def test_s18_an_engines_address_with_a_password_is_refused_without_printing_it(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replicas = '["http://user:s3cret@10.0.0.4:1"]'
    assert main(["config", "set", "engines.gpu.replicas", replicas]) == 2
    said = capsys.readouterr()
    assert "`engines.gpu.replicas` must name no user and no password" in said.err
    assert "s3cret" not in said.out + said.err
    assert config.read_text() == ENGINES


def test_several_keys_are_set_together(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "engines.small.kind", "ollama"]) == 2
    assert "`engines.small.model` must be set" in capsys.readouterr().err
    assert main(["config", "set", "engines.small.kind", "ollama", "engines.small.model"]) == 2
    assert config.read_text() == ENGINES
    assert main(["config", "set", "engines.small.kind", "ollama", "engines.small.model", "qwen2.5:3b"]) == 0
    assert capsys.readouterr().out.startswith("engines.small.kind = ollama  # ")
    assert '[engines.small]\nkind = "ollama"\nmodel = "qwen2.5:3b"\n' in config.read_text()
