"""One alert for the private values that repeat from turn to turn and keep their agent on this machine."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from msgspec import Struct

from backends.clock import Clock
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import KEPT_HOME
from backends.pipeline.privacy_choices import MOST_VALUES, PrivacyChoices, id_of
from backends.privacy.detectors.kinds import KINDS
from backends.privacy.gate import PrivatePart
from backends.privacy.part_places import PartPlace, place_of
from backends.types import Action, Choice, Request

REPEATED = 2
"""Turns after which a part of the conversation counts as one that repeats; a standing part does at once."""

GONE = 3
"""Turns of its agent without the values, in other sessions, after which they are gone."""

MOST, MOST_OF_AGENT = 512, 8
"""Sets of values that are watched, and alerts that one agent may have at once."""

FINDINGS, SESSIONS = 256, 32
"""Findings of one part that are looked at, and sessions that are remembered with them."""


class PrivatePlace(Struct, kw_only=True):
    """What was found at one place of a request: the values by their keyed hashes, and the kinds of private data."""

    place: PartPlace
    kinds: dict[str, None]
    values: set[bytes]


class Watched(Struct, kw_only=True):
    """Values that keep an agent here since the first turn at `since`, and the places where its last turn had just
    these. `sessions` are those whose last turn had them, `missed` the turns of others since.
    """

    agent: str
    id: str
    places: list[PrivatePlace]
    since: datetime
    turns: int = 0
    sessions: set[str] = set()
    missed: int = 0
    shown: bool = False

    @property
    def values(self) -> set[bytes]:
        return self.places[0].values

    @property
    def standing(self) -> bool:
        return any(each.place.standing for each in self.places)

    @property
    def label(self) -> str:
        """The first place, one that stands in each turn before others, and how many more there are."""
        first = min(self.places, key=lambda each: not each.place.standing).place.label
        others = len(self.places) - 1
        return f"{first} and {others} other part{'s' if others > 1 else ''}" if others else first


class PrivacyAlerts:
    def __init__(self, alerts: Alerts, choices: PrivacyChoices, clock: Clock) -> None:
        self._alerts = alerts
        self._clock = clock
        self._choices = choices
        self._watched: OrderedDict[tuple[str, str], Watched] = OrderedDict()
        choices.watch(self._answered)

    def turn(self, request: Request, private: Iterable[PrivatePart]) -> None:
        """Count a turn of the request's agent, which these parts keep here."""
        agent, now = request.agent, _by_values(request, private)
        for (_, id), watched in list(self._watched.items()):
            if watched.agent == agent and id not in now:
                self._absent(watched, request.session)
        for id, places in now.items():
            new = Watched(agent=agent, id=id, places=places, since=self._clock.now())
            watched = self._watched.setdefault((agent, id), new)
            self._watched.move_to_end((agent, id))
            watched.places, watched.turns, watched.missed = places, watched.turns + 1, 0
            if len(watched.sessions) < SESSIONS:
                watched.sessions.add(request.session)
            self._show(watched)
        while len(self._watched) > MOST:
            self._forget(next(iter(self._watched.values())))

    def _absent(self, watched: Watched, session: str) -> None:
        """A turn without them: they are gone from this session, and after some turns from all."""
        watched.sessions.discard(session)
        watched.missed += 1
        if not watched.sessions or watched.missed >= GONE:
            self._forget(watched)

    def _forget(self, watched: Watched) -> None:
        del self._watched[watched.agent, watched.id]
        self._clear(watched)

    def _show(self, watched: Watched) -> None:
        agent, id = watched.agent, watched.id
        if self._choices.keeps_home(agent, id) or (watched.turns < REPEATED and not watched.standing):
            return
        if not watched.shown and self._shown(agent) >= MOST_OF_AGENT:
            return
        watched.shown = True
        self._choices.offered[agent, id] = frozenset(watched.values)
        self._alerts.show(
            KEPT_HOME,
            since=watched.since,
            choices=_choices(agent, id, len(watched.values)),
            agent=agent,
            label=watched.label,
            kinds=", ".join(watched.places[0].kinds),
            turns="1 turn" if watched.turns == 1 else f"{watched.turns} turns",
            id=id,
        )

    def _shown(self, agent: str) -> int:
        return sum(each.shown for each in self._watched.values() if each.agent == agent)

    def _clear(self, watched: Watched) -> None:
        if watched.shown:
            watched.shown = False
            self._choices.offered.pop((watched.agent, watched.id), None)
            self._alerts.clear(KEPT_HOME, agent=watched.agent, id=watched.id)

    def _answered(self) -> None:
        """Clear the alerts that an action has answered; what is taken back is raised again on the agent's next turn."""
        for watched in list(self._watched.values()):
            allowed = self._choices.allowed((watched.agent,))
            if watched.values <= allowed or self._choices.redacts((watched.agent,)):
                self._forget(watched)
            elif self._choices.keeps_home(watched.agent, watched.id):
                self._clear(watched)


def _by_values(request: Request, private: Iterable[PrivatePart]) -> dict[str, list[PrivatePlace]]:
    """The places with private data, those together that have the same values, by the id of these."""
    at: dict[str, PrivatePlace] = {}
    for each in private:
        for finding in islice(each.found, FINDINGS):
            place = place_of(request, each.part, finding)
            found = at.get(place.key)
            if found is None:
                found = at[place.key] = PrivatePlace(place=place, kinds={}, values=set())
            found.kinds[KINDS[finding.kind].why] = None
            found.values.add(finding.value)
    together: dict[str, list[PrivatePlace]] = {}
    for found in at.values():
        together.setdefault(id_of(found.values), []).append(found)
    return together


def _choices(agent: str, id: str, values: int) -> tuple[Choice, ...]:
    may_pass = "this value may pass" if values == 1 else f"these {values} values may pass"
    allow = Action(verb="allow", actor="operator", agent=agent, id=id)
    redact = Action(verb="redact", actor="operator", agent=agent, id=id)
    keep_home = Action(verb="keep-home", actor="operator", agent=agent, id=id)
    others = (Choice(label="redact for this agent", action=redact), Choice(label="keep at home", action=keep_home))
    return (Choice(label=may_pass, action=allow), *others) if values <= MOST_VALUES else others
