"""Alerts: conditions that hold now, or held, and that an operator should know of."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.types.literals import EngineName
from backends.types.operator_actions import Action

Severity = Literal["warning", "critical"]
AlertState = Literal["new", "acknowledged", "silenced", "cleared"]

ABOUT_ENGINES = frozenset({"engine", "queue", "spilled"})
"""First words of the keys of alerts whose second is an engine that does not work as it should."""


class Choice(Struct, frozen=True, kw_only=True):
    """One of the ways to answer an alert: what it is called on screen, and the action that it takes."""

    label: str
    action: Action


class Alert(Struct, frozen=True, kw_only=True):
    """One time that a condition held, from its onset to its end. `key` names the condition and what it is about: of two
    alerts with one key at most one stands. `id` names this one, for good.

    `since` is when the condition began, which may be before it was found; `ended_at` is None while it stands. `text` is
    one short line of ours; `detail` holds a provider's own words, "" where there are none. `effect` says in a phrase
    what it does to requests ("14 went local"). `requests` and `agents` are those that it touched so far, the agents
    most touched first; `cost_usd` is what it has cost so far, None where money has no part in it or nobody can tell.
    `retry_at` is when something will be tried again, None where nothing waits for a time.

    `threshold` is the setting from whose value on it is an alert, "" where it has none.

    `choices` are what the operator can do about it with one key, in their order. `silenced_until` is set in the state
    "silenced" alone; `by` is who acknowledged or silenced it.
    """

    key: str
    id: str
    since: datetime
    severity: Severity
    text: str
    detail: str = ""
    effect: str = ""
    remedy: str = ""
    threshold: str = ""
    choices: tuple[Choice, ...] = ()
    state: AlertState = "new"
    silenced_until: datetime | None = None
    by: str = ""
    ended_at: datetime | None = None
    retry_at: datetime | None = None
    requests: int = 0
    agents: tuple[str, ...] = ()
    cost_usd: Decimal | None = None

    def concerns(self, engine: EngineName) -> bool:
        """Is it about this engine, its queue or its models? Then the engine is not well while it stands."""
        about, _, rest = self.key.partition(":")
        return about in ABOUT_ENGINES and rest.partition(":")[0] == engine
