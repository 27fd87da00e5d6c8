"""Models brought into Ollama's memory and out of it. Source: https://docs.ollama.com/api/generate, empty prompts."""

from typing import Any

from backends.engines.ollama.windows import Windows
from backends.engines.probe import Probe
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.keep_alive import keep_alive
from backends.settings.engines import OllamaSettings

LOADED_WITHIN_S = 600.0
"""A model of many gigabytes comes from a slow disk."""


async def load(probe: Probe, model: str, settings: OllamaSettings, windows: Windows, *, run: bool) -> None:
    """Load a model as the first call would, with the window of every call; with `run` it writes one token, too.

    Raises EngineError.
    """
    window = await windows.learn(model)
    options: dict[str, Any] = {"num_ctx": window.tokens}
    body: dict[str, Any] = {"model": model, "keep_alive": keep_alive(settings.keep_alive), "options": options}
    if run:
        body["prompt"], options["num_predict"] = "Hello", 1
    await _generate(probe, body)


async def unload(probe: Probe, model: str) -> None:
    """Take a model out of memory once no call uses it. Raises EngineError."""
    await _generate(probe, {"model": model, "keep_alive": 0})


async def _generate(probe: Probe, body: dict[str, Any]) -> None:
    status, said = await probe.json("/api/generate", answer_s=LOADED_WITHIN_S, body=body | {"stream": False})
    if status == 200:
        return
    model = one_line(body["model"])
    if status == 404:
        raise EngineError(f"Ollama has no model {model}: run `ollama pull {model}`", kind="model", status=status)
    text = one_line(said.get("error", "") if isinstance(said, dict) else said)
    raise EngineError(
        f"Ollama cannot load {model} ({status}: {text}): look at its log", kind="unavailable", status=status
    )
