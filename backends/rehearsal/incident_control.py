"""Starting and ending incidents at the twins of a running rehearsal, over HTTP, where they listen.

A name with L is for the engines of the local zone, one with C for those of Google.
"""

import difflib
from collections.abc import Mapping, Sequence

import aiohttp

from backends.errors import ClawError, WrongUse
from backends.rehearsal.incidents import INCIDENTS
from backends.settings.model import Settings
from backends.types import LOCAL, EngineName

TIMEOUT = aiohttp.ClientTimeout(total=5.0)


def known_incident(name: str) -> str:
    """Its name as it is written in the table. Raises WrongUse with the nearest ones."""
    names = {each.casefold(): each for each in INCIDENTS}
    if found := names.get(name.casefold()):
        return found
    nearest = difflib.get_close_matches(name.casefold(), names, n=3, cutoff=0.0)
    raise WrongUse(
        f"no incident {name!r} is known: the nearest are {', '.join(names[each] for each in nearest)};"
        " `claw rehearse list` shows all"
    )


class IncidentControl:
    """`addresses` are where each engine's twins listen."""

    def __init__(self, settings: Settings, addresses: Mapping[EngineName, Sequence[str]]) -> None:
        self._addresses = addresses
        self._meant = {
            "L": [name for name in addresses if settings.zone(name) == LOCAL],
            "C": [name for name in addresses if settings.engines[name].kind == "gemini"],
        }

    async def start(self, name: str, engine: EngineName | None) -> str:
        """Start an incident at `engine`, else at all that it is meant for; a line that says what happens.

        Raises WrongUse where there is no such incident or engine, ClawError where a twin does not answer.
        """
        incident = known_incident(name)
        engines = self._engines(incident, engine)
        for each in engines:
            for address in self._addresses[each]:
                await _send("PUT", f"{address}/rehearsal/incidents/{incident}")
        return f"{incident} at {' and '.join(engines)}: {INCIDENTS[incident].says}; `claw rehearse reset` ends it"

    async def reset(self) -> None:
        """All twins behave as built again. Raises ClawError where one does not answer."""
        for addresses in self._addresses.values():
            for address in addresses:
                await _send("POST", f"{address}/rehearsal/reset")

    def _engines(self, incident: str, engine: EngineName | None) -> list[EngineName]:
        if engine is not None:
            if engine not in self._addresses:
                raise WrongUse(f"no twin of an engine {engine!r} runs: use one of {', '.join(self._addresses)}")
            return [engine]
        if not self._meant[incident[0]]:
            raise WrongUse(f"none of the engines is one that {incident} is meant for: name one with --engine")
        return self._meant[incident[0]]


async def _send(method: str, url: str) -> None:
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as session,
            session.request(method, url) as response,
        ):
            response.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ClawError(f"the twin at {url.partition('/rehearsal')[0]} does not answer ({error}): try again") from None
