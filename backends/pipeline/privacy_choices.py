"""What the operator has said about private parts that repeat: these values may pass, redact, or keep them at home."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

from backends.errors import WrongUse
from backends.ledger.store import Ledger
from backends.types import Acted, Action

ALLOW, REDACT, KEEP_HOME = "privacy-allow:", "privacy-redact:", "privacy-home:"

MOST_VALUES = 32
"""Values that one action may let pass: an operator can judge no more of them at once."""

OF_AGENT = "redact"
"""The id that takes back the redaction of an agent, which belongs to no single alert."""


def id_of(values: Collection[bytes]) -> str:
    """The id of these values together, by their keyed hashes: that of their alert."""
    return blake2b(b"".join(sorted(values)), digest_size=8).hexdigest()


class PrivacyChoices:
    """Stored in the ledger with their audit rows; of allowed values only keyed hashes. `offered` are the values of the
    alerts that hold now, by agent and id.
    """

    def __init__(self, ledger: Ledger, kept: Mapping[str, str]) -> None:
        self._ledger = ledger
        self._kept = {key: value for key, value in kept.items() if key.startswith((ALLOW, REDACT, KEEP_HOME))}
        self._watchers: list[Callable[[], None]] = []
        self._allowed: dict[str, frozenset[bytes]] = {}
        self.offered: dict[tuple[str, str], frozenset[bytes]] = {}
        self._read()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have it called after each change."""
        self._watchers.append(watcher)

    def allowed(self, agents: Sequence[str]) -> frozenset[bytes]:
        """Hashes of the values that may pass for all of these agents."""
        first, *others = (self._allowed.get(agent, frozenset[bytes]()) for agent in agents)
        return first.intersection(*others)

    def redacts(self, agents: Iterable[str]) -> bool:
        """Is each of these agents redacted, whatever the settings say?"""
        return all(f"{REDACT}{agent}" in self._kept for agent in agents)

    def keeps_home(self, agent: str, id: str) -> bool:
        """Is the alert of this id answered by "keep at home"?"""
        return f"{KEEP_HOME}{agent}:{id}" in self._kept

    async def carry_out(self, action: Action, agent: str, at: datetime) -> Acted:
        """Do it, with its audit row. Raises WrongUse for an id that no alert has, and where there is nothing to take
        back.
        """
        id = OF_AGENT if action.verb == "redact" else action.id or ""
        if not id:
            raise WrongUse(f"{action.verb} needs the id of an alert: `claw act {action.verb} {agent} ID`")
        if action.verb in ("allow", "keep-home") and (agent, id) not in self.offered:
            raise WrongUse(f"no part that keeps {agent} here has the id {id}: its alert names the id")
        match action.verb:
            case "allow":
                key, value, detail = self._allowing(agent, id)
            case "redact":
                key, value, detail = f"{REDACT}{agent}", "1", f"{agent} is redacted for the cloud"
            case "keep-home":
                key, value, detail = f"{KEEP_HOME}{agent}:{id}", "1", f"{agent}: {id} stays on this machine, unasked"
            case _:
                return await self._withdraw(action, agent, id, at)
        undo = Action(verb="withdraw", actor=action.actor, agent=agent, id=id)
        acted = Acted(at=at, action=action, detail=detail, undo=undo)
        await self._ledger.set_control(key, value, acted)
        self._kept[key] = value
        self._changed()
        return acted

    def _allowing(self, agent: str, id: str) -> tuple[str, str, str]:
        values = self.offered[agent, id]
        if len(values) > MOST_VALUES:
            raise WrongUse(f"{id} has {len(values)} values, too many to let pass at once: use privacy.allow, or redact")
        count = "1 value" if len(values) == 1 else f"{len(values)} values"
        return f"{ALLOW}{agent}:{id}", ",".join(value.hex() for value in values), f"{agent}: {count} of {id} may pass"

    async def _withdraw(self, action: Action, agent: str, id: str, at: datetime) -> Acted:
        keys = (f"{REDACT}{agent}",) if id == OF_AGENT else (f"{ALLOW}{agent}:{id}", f"{KEEP_HOME}{agent}:{id}")
        taken = [key for key in keys if key in self._kept]
        if not taken:
            raise WrongUse(f"nothing was said about {id} of {agent}: `claw act allow|redact|keep-home` says something")
        acted = Acted(at=at, action=action, detail=f"{agent}: what was said about {id} is taken back")
        for key in taken:
            await self._ledger.set_control(key, None, acted)
            del self._kept[key]
        self._changed()
        return acted

    def _changed(self) -> None:
        self._read()
        for watcher in self._watchers:
            watcher()

    def _read(self) -> None:
        allowed: dict[str, set[bytes]] = {}
        for key, value in self._kept.items():
            if key.startswith(ALLOW):
                agent, _, _ = key.removeprefix(ALLOW).rpartition(":")
                allowed.setdefault(agent, set()).update(map(bytes.fromhex, value.split(",")))
        self._allowed = {agent: frozenset(values) for agent, values in allowed.items()}
