"""An operator's word on a stored answer."""

from backends.cache.response_cache import ResponseCache
from backends.errors import WrongUse


async def correct(cache: ResponseCache, verb: str, id: str) -> str:
    """Carry out "wrong-hit" on the request `id`, or "kill-entry" on the entry; returns what was done, in a line.

    Raises WrongUse where nothing of that id is known.
    """
    if verb == "wrong-hit":
        entry = await cache.report_wrong_hit(id)
        if entry is None:
            raise WrongUse(f"no request {id} was answered from the cache since the core started: use kill-entry")
        return f"entry {entry} killed: its answer to {id} was wrong"
    killed = await cache.kill(id)
    if not killed:
        raise WrongUse(f"no entry {id} is stored: `claw cache inspect` lists those that are")
    if len(killed) > 1:
        raise WrongUse(f"{id} may be {', '.join(killed[:3])}: give more of it")
    return f"entry {killed[0]} killed"
