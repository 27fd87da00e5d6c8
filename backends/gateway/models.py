"""`GET /v1/models` and `GET /v1/models/NAME`: the names that a request may use."""

from typing import Any

from backends.agent_names import spelled
from backends.engines.plain_text import as_json
from backends.gateway.names import decoded, names, unknown
from backends.gateway.visit import Visit

PATH = b"/v1/models"


async def list_models(visit: Visit) -> None:
    snapshot = await visit.core.snapshot()
    created = int(snapshot.started_at.timestamp())
    data = [_model(name, owner, created) for name, owner in names(visit.settings, snapshot).items()]
    await visit.answer(as_json({"object": "list", "data": data}))


async def one_model(visit: Visit) -> None:
    """Raises Turned (404) for a name that nobody knows."""
    snapshot = await visit.core.snapshot()
    found = names(visit.settings, snapshot)
    asked = decoded(visit.path[len(PATH) + 1 :])
    name = spelled(asked, found)
    if name is None:
        raise unknown(asked)
    await visit.answer(as_json(_model(name, found[name], int(snapshot.started_at.timestamp()))))


def _model(name: str, owner: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}
