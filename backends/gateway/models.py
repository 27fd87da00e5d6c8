"""`GET /v1/models`: every name that a request may use."""

from typing import Any

from backends.gateway.names import ROUTES, models
from backends.gateway.openai_answer import encoded
from backends.gateway.visit import Visit


async def list_models(visit: Visit) -> None:
    snapshot = await visit.core.snapshot()
    created = int(snapshot.started_at.timestamp())
    named = [(name, "claw") for name in (*ROUTES, *visit.settings.agents)]
    named += [(model, engine) for engine, model in models(visit.settings, snapshot.engines)]
    data: list[dict[str, Any]] = [
        {"id": name, "object": "model", "created": created, "owned_by": owner} for name, owner in dict(named).items()
    ]
    await visit.answer(encoded({"object": "list", "data": data}))
