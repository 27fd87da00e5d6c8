"""aider in a folder of its own, without git, as `aider --message` runs it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lines import serve

SETTINGS = """
- name: openai/{model}
  edit_format: whole
  use_temperature: false
  streaming: {stream}
"""


def edit(url: str, model: str, text: str, stream: bool = True) -> dict[str, Any]:
    """Let it edit notes.txt; what it printed and what the file holds then."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "notes.txt").write_text("old\n")
        # aider's list of prices, too: a fresh copy of it keeps it from fetching one.
        prices = folder / ".aider/caches/model_prices_and_context_window.json"
        prices.parent.mkdir(parents=True)
        prices.write_text('{"none": {}}')
        (folder / "models.yml").write_text(SETTINGS.format(model=model, stream=str(stream).lower()))
        words = [
            "--model", f"openai/{model}", "--model-settings-file", "models.yml", "--message", text,
            "--yes-always", "--no-git", "--no-check-update", "--no-show-model-warnings", "--no-analytics",
            "--no-auto-commits", "--no-pretty", "--no-fancy-input", "--no-show-release-notes", "--map-tokens", "0",
            "--no-suggest-shell-commands", "--no-detect-urls", "notes.txt",
        ]  # fmt: skip
        environment = os.environ | {"OPENAI_API_BASE": url, "OPENAI_API_KEY": "unused", "HOME": name}
        environment["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else LiteLLM's list of prices is fetched from the net
        done = subprocess.run(
            [str(Path(sys.executable).with_name("aider")), *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        return {"said": done.stdout + done.stderr, "file": (folder / "notes.txt").read_text(), "rc": done.returncode}


serve(edit=edit)
