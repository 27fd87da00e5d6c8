"""`GET /healthz` and `GET /readyz`: alive, and able to answer."""

from backends.engines.plain_text import as_json
from backends.gateway.visit import Visit


async def healthz(visit: Visit) -> None:
    """The process runs and its loop turns; nothing more is asked."""
    await visit.answer(b'{"ok":true}')


async def readyz(visit: Visit) -> None:
    """200 where new requests are taken and an engine may answer, else 503."""
    snapshot = await visit.core.snapshot()
    alive = any(engine.health != "down" and not engine.stopped for engine in snapshot.engines)
    ready = alive and not visit.drain.closing
    body = as_json({"ready": ready, "semantic": snapshot.cache.semantic})
    await visit.answer(body, status=200 if ready else 503)
