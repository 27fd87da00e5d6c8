"""The models that an Ollama has, and those that it has loaded."""

import re
from datetime import UTC, datetime
from typing import Any

from backends.engines.base import ServedModel
from backends.engines.probe import Probe, objects
from backends.types import LoadedModel

MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


async def models(probe: Probe) -> tuple[ServedModel, ...]:
    """All models on its disk, in its order. Raises EngineError."""
    return tuple(
        ServedModel(
            name=str(model.get("name")),
            digest=str(model.get("digest") or ""),
            size_b=_whole(model.get("size")),
            relayed=bool(model.get("remote_host") or model.get("remote_model")),
        )
        for model in objects((await probe.json_object("/api/tags")).get("models"))
    )


def find(models: tuple[ServedModel, ...], name: str) -> ServedModel | None:
    """The model called `name`; without a tag the name means "latest", as in Ollama."""
    by_name = {model.name: model for model in models}
    return by_name.get(name) or by_name.get(f"{name}:latest")


async def loaded_models(probe: Probe, *, answer_s: float) -> tuple[LoadedModel, ...]:
    """The models that are in memory now. Raises EngineError."""
    return tuple(map(_loaded, objects((await probe.json_object("/api/ps", answer_s=answer_s)).get("models"))))


def _loaded(model: dict[str, Any]) -> LoadedModel:
    return LoadedModel(
        name=str(model.get("name") or model.get("model") or ""),
        size_b=_whole(model.get("size")),
        vram_b=_whole(model.get("size_vram")),
        context=_whole(model.get("context_length")),
        expires_at=_moment(model.get("expires_at")),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(value: Any) -> datetime | None:
    """Ollama writes nine decimals and a zone; the year 1 and years after 2300 mean never."""
    found = MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00"))
        return moment.astimezone(UTC) if 2000 < moment.year < 2300 else None
    except ValueError:
        return None
