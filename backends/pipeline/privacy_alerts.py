"""One alert for each part that repeats from turn to turn and keeps its agent on this machine."""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice

from msgspec import Struct

from backends.monitoring.alerts import KEPT_HOME, Alerts
from backends.pipeline.privacy_choices import MOST_VALUES, PrivacyChoices, id_of
from backends.privacy.detectors.kinds import KINDS
from backends.privacy.gate import PrivatePart
from backends.privacy.part_places import PartPlace, place_of
from backends.types import Action, Choice, Request

REPEATED = 2
"""Turns after which a part of the conversation counts as one that repeats; a standing part does at once."""

GONE = 3
"""Turns of its agent without the part, in other sessions, after which it is gone."""

MOST, MOST_OF_AGENT = 512, 8
"""Parts that are watched, and alerts that one agent may have at once."""

FINDINGS, SESSIONS = 256, 32
"""Findings of one part that are looked at, and sessions that are remembered with it."""


class Watched(Struct, kw_only=True):
    """A part that keeps an agent here. `sessions` are those whose last turn had it, `missed` the turns since."""

    agent: str
    place: PartPlace
    kinds: dict[str, None]
    values: set[bytes]
    turns: int = 0
    sessions: set[str] = set()
    missed: int = 0
    shown: str = ""
    """The id of its alert, "" while there is none."""

    @property
    def id(self) -> str:
        return id_of(self.place.key, self.values)


class PrivacyAlerts:
    def __init__(self, alerts: Alerts, choices: PrivacyChoices) -> None:
        self._alerts = alerts
        self._choices = choices
        self._watched: OrderedDict[tuple[str, str], Watched] = OrderedDict()
        choices.watch(self._answered)

    def turn(self, request: Request, private: Iterable[PrivatePart]) -> None:
        """Count a turn of the request's agent, which these parts keep here."""
        now = _by_place(request, private)
        for key, watched in list(self._watched.items()):
            if watched.agent == request.agent and watched.place.key not in now:
                self._absent(key, watched, request.session)
        for place_key, found in now.items():
            key = (request.agent, place_key)
            watched = self._watched.setdefault(key, found)
            self._watched.move_to_end(key)
            watched.place, watched.kinds, watched.values = found.place, found.kinds, found.values
            watched.turns, watched.missed = watched.turns + 1, 0
            if len(watched.sessions) < SESSIONS:
                watched.sessions.add(request.session)
            self._show(watched)
        while len(self._watched) > MOST:
            _, oldest = self._watched.popitem(last=False)
            self._clear(oldest)

    def _absent(self, key: tuple[str, str], watched: Watched, session: str) -> None:
        """A turn without it: it is gone from this session, and after some turns from all."""
        watched.sessions.discard(session)
        watched.missed += 1
        if not watched.sessions or watched.missed >= GONE:
            del self._watched[key]
            self._clear(watched)

    def _show(self, watched: Watched) -> None:
        agent, id = watched.agent, watched.id
        if self._choices.keeps_home(agent, id):
            self._clear(watched)
            return
        if watched.turns < REPEATED and not watched.place.standing:
            return
        if not watched.shown and self._shown(agent) >= MOST_OF_AGENT:
            return
        if watched.shown != id:
            self._clear(watched)
        self._choices.offered[agent, id] = frozenset(watched.values)
        watched.shown = id
        self._alerts.show(
            KEPT_HOME,
            choices=_choices(agent, id, len(watched.values)),
            agent=agent,
            label=watched.place.label,
            kinds=", ".join(watched.kinds),
            turns="1 turn" if watched.turns == 1 else f"{watched.turns} turns",
            id=id,
        )

    def _shown(self, agent: str) -> int:
        return sum(bool(each.shown) for each in self._watched.values() if each.agent == agent)

    def _clear(self, watched: Watched) -> None:
        if watched.shown:
            self._choices.offered.pop((watched.agent, watched.shown), None)
            self._alerts.clear(KEPT_HOME, agent=watched.agent, id=watched.shown)
            watched.shown = ""

    def _answered(self) -> None:
        """Clear the alerts that an action has answered; what is taken back is raised again on the agent's next turn."""
        for key, watched in list(self._watched.items()):
            allowed = self._choices.allowed((watched.agent,))
            if watched.values <= allowed or self._choices.redacts((watched.agent,)):
                del self._watched[key]
                self._clear(watched)
            elif self._choices.keeps_home(watched.agent, watched.id):
                self._clear(watched)


def _by_place(request: Request, private: Iterable[PrivatePart]) -> dict[str, Watched]:
    found: dict[str, Watched] = {}
    for each in private:
        for finding in islice(each.found, FINDINGS):
            place = place_of(request, each.part, finding)
            watched = found.get(place.key)
            if watched is None:
                watched = found[place.key] = Watched(agent=request.agent, place=place, kinds={}, values=set())
            watched.kinds[KINDS[finding.kind].why] = None
            watched.values.add(finding.value)
    return found


def _choices(agent: str, id: str, values: int) -> tuple[Choice, ...]:
    may_pass = "this value may pass" if values == 1 else f"these {values} values may pass"
    allow = Choice(label=may_pass, action=Action(verb="allow", actor="operator", agent=agent, id=id))
    redact = Action(verb="redact", actor="operator", agent=agent, id=id)
    keep_home = Action(verb="keep-home", actor="operator", agent=agent, id=id)
    others = (Choice(label="redact for this agent", action=redact), Choice(label="keep at home", action=keep_home))
    return (allow, *others) if values <= MOST_VALUES else others
