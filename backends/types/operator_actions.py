"""An operator's actions, their results, and what the doctor found."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from backends.types.literals import EngineName


class Action(Struct, frozen=True, kw_only=True):
    """An operator's action. `agent`, `engine` and `id` are for the verbs that need them; `actor` is who takes it.

    "rate" says of the answer to `id` whether it was `good`, and where it was not, which `engine` would have been better
    and which `intent` the prompt really had; `note` is the operator's own text. "set-budget" gives the budget of
    `scope` and `window` another limit; with no `limit_usd` it has that of claw.toml again.

    "drain" keeps new requests from an `engine`. "load", "unload" and "warm" are for a `model` on an `engine`, by
    default its own. "set" gives the setting `key` another `value`, as claw.toml would have it, or several settings
    their `values` at once, where None is claw.toml's own; with `minutes`, or `until` a moment, a setting or a budget
    falls back by itself. What lets more private data leave this machine must be `confirmed`. "adopt" makes `model` that
    of an `engine` for good. "undo" takes back the last action that can be; the action that does so names it as
    `undoes`, its number in the audit table, where `reason` is written, too.

    "pause" and "resume" are for a session, by `id`, or for all of an `agent`. "allow", "redact" and "keep-home" answer
    the alert of a part that keeps `agent` at home: the values that `id` names may pass, the agent is redacted from now
    on, or all stays. "withdraw" takes that back, the redaction by the `id` "redact".

    "rehearse" starts the incident `id` at the twins of a rehearsal, at those of `engine` alone where it is given; the
    `id` "reset" ends all.
    """

    verb: Literal[
        "stop-cloud",
        "resume-cloud",
        "pin",
        "unpin",
        "cancel",
        "flush-cache",
        "wrong-hit",
        "kill-entry",
        "rate",
        "relearn",
        "reload",
        "set-budget",
        "pause",
        "resume",
        "allow",
        "redact",
        "keep-home",
        "withdraw",
        "drain",
        "undrain",
        "cancel-agent",
        "load",
        "unload",
        "warm",
        "set",
        "unset",
        "adopt",
        "acknowledge",
        "silence",
        "undo",
        "rehearse",
    ]
    actor: str
    agent: str | None = None
    engine: EngineName | None = None
    id: str | None = None
    good: bool | None = None
    intent: str | None = None
    note: str | None = None
    scope: str | None = None
    window: str | None = None
    limit_usd: Decimal | None = None
    model: str | None = None
    key: str | None = None
    value: str | None = None
    values: dict[str, str | None] | None = None
    confirmed: bool | None = None
    minutes: float | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    reason: str | None = None
    undoes: int | None = None


class Acted(Struct, frozen=True, kw_only=True):
    """What an action did, in one line. `undo` is the action that takes it back, where there is one. `before` and
    `after` are what it changed, as they are shown ("$5", "$250"); "" where it changes no value.
    """

    at: datetime
    action: Action
    detail: str
    undo: Action | None = None
    before: str = ""
    after: str = ""


class Undoable(Struct, frozen=True, kw_only=True):
    """An action that can be taken back, by its number in the audit table, and the action that does it."""

    number: int
    at: datetime
    actor: str
    detail: str
    undo: Action


class Check(Struct, frozen=True, kw_only=True):
    """One check of the doctor. `ok` None is "not known" or "worth knowing"; `remedy` says what to do."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""
