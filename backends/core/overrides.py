"""What operators have set beside claw.toml, for a while or until they take it back. Stored in the ledger's controls."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from backends.clock import Clock
from backends.errors import WrongUse
from backends.settings.edit import parts_of
from backends.types import Acted, Action

SETTING, BUDGET = "set:", "until:budget:"
"""Prefixes of control keys: a setting's key follows, or a budget's window and scope."""

MOST = 100
"""Overrides at once; each is a row of the ledger, and an alert."""

LONGEST_MINUTES = 30 * 24 * 60.0


class OperatorOverride(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A setting's value, or a budget's limit, and until when it holds; None is until it is taken back.

    `before` is what it replaced, as it is shown. `beneath` comes back at its end, None where that is claw.toml's.
    """

    value: str
    at: datetime
    actor: str
    reason: str = ""
    until: datetime | None = None
    before: str = ""
    beneath: "OperatorOverride | None" = None

    @classmethod
    def of(
        cls, acted: Acted, value: str, until: datetime | None, over: "OperatorOverride | None"
    ) -> "OperatorOverride":
        """By this action, `over` what was in force. Only what has no end comes back."""
        beneath = None if over is None or until is None else over if over.until is None else over.beneath
        return cls(
            value=value,
            at=acted.at,
            actor=acted.action.actor,
            reason=acted.action.reason or "",
            until=until,
            before=acted.before,
            beneath=beneath,
        )


def end_of(action: Action, at: datetime) -> datetime | None:
    """When what the action sets falls back, None where it does not. Raises WrongUse for a time that is none."""
    if action.minutes is not None and not 0 < action.minutes <= LONGEST_MINUTES:
        raise WrongUse("a time is more than 0 and at most 30 days, as `--for 60m`, 2h or 1d")
    if action.until is not None and action.until <= at:
        raise WrongUse("its time is over")
    if action.until is not None and action.until - at > timedelta(minutes=LONGEST_MINUTES):
        raise WrongUse("a time is at most 30 days")
    return at + timedelta(minutes=action.minutes) if action.minutes is not None else action.until


def stored(override: OperatorOverride | None) -> str | None:
    return None if override is None else msgspec.json.encode(override).decode()


class Overrides:
    """Those in force, by the control key. Ends go by the monotonic clock while the core runs."""

    def __init__(self, kept: Mapping[str, str], clock: Clock) -> None:
        self._clock = clock
        self._all: dict[str, OperatorOverride] = {}
        self._ends: dict[str, float] = {}
        self._temporary = asyncio.Event()
        for key, value in kept.items():
            if key.startswith((SETTING, BUDGET)):
                self.put(key, msgspec.json.decode(value, type=OperatorOverride))

    def __iter__(self) -> Iterator[tuple[str, OperatorOverride]]:
        return iter(tuple(self._all.items()))

    def get(self, control: str) -> OperatorOverride | None:
        return self._all.get(control)

    def put(self, control: str, override: OperatorOverride | None) -> None:
        """Note what is stored under a control key now; None is nothing."""
        self._ends.pop(control, None)
        if override is None:
            self._all.pop(control, None)
        else:
            self._all[control] = override
            if override.until is not None:
                left = (override.until - self._clock.now()).total_seconds()
                self._ends[control] = self._clock.monotonic() + left
        if self._ends:
            self._temporary.set()
        else:
            self._temporary.clear()

    def settings(self) -> dict[str, str]:
        """The values of settings, by their dotted keys."""
        return {key.removeprefix(SETTING): each.value for key, each in self._all.items() if key.startswith(SETTING)}

    def of_agents(self) -> dict[str, dict[str, OperatorOverride]]:
        """Those of agents' settings, by the agent and the setting's own name."""
        found: dict[str, dict[str, OperatorOverride]] = {}
        for control, override in self._all.items():
            if control.startswith(f"{SETTING}agents."):
                _, agent, *rest = parts_of(control.removeprefix(SETTING))
                found.setdefault(agent, {})[".".join(rest)] = override
        return found

    def over(self) -> list[str]:
        """The control keys of those whose time is over."""
        now = self._clock.monotonic()
        return [control for control, end in self._ends.items() if end <= now]

    async def any_temporary(self) -> None:
        """Wait until one is in force that has an end."""
        await self._temporary.wait()
