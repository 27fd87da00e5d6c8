"""`claw explain --request`: each request of a file explained as the gateway would take it."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.commands.recorded_requests import Recorded, recorded
from backends.core.api import Core
from backends.errors import DeadlinePassed, UnknownModel, WrongUse, status_of
from backends.gateway.canonical_request import canonical
from backends.gateway.dialects.any_dialect import read_fields
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import fields_of
from backends.gateway.model_names import Target, checked_agent, from_settings, resolve
from backends.identity import new_id
from backends.settings.model import Settings
from backends.types import LOCAL, ZERO, Estimate, Explanation, Request, Snapshot

UNKNOWN = UnknownModel.kind

Id = str | int | float | None


class Explained(Struct, frozen=True, kw_only=True):
    """`id` is the line's own. `wrong` says what is wrong with a line that is no request, "" for all others."""

    line: int
    id: Id
    explanation: Explanation
    wrong: str = ""


async def explain_all(
    core: Core, settings: Settings, given: Iterator[tuple[int, bytes]], agent: str | None
) -> AsyncGenerator[Explained]:
    """Each request's explanation, in order; `agent` asks where neither a line nor its header names one.

    Raises Unreachable where the core goes away.
    """
    snapshot = await core.snapshot()
    for number, line in given:
        id: Id = None
        name = agent
        try:
            fields = fields_of(line)
            id = _id(fields)
            sent = recorded(fields)
            name = sent.agent or agent
            request, unknown = _request(sent, name, settings, snapshot)
            explanation = await core.explain(request)
        except (WrongUse, HttpError) as error:
            yield Explained(line=number, id=id, explanation=refused(name, error), wrong=str(error))
        except DeadlinePassed as error:
            yield Explained(line=number, id=id, explanation=refused(name, error))
        else:
            yield Explained(
                line=number, id=id, explanation=replace(explanation, error=unknown) if unknown else explanation
            )


def refused(agent: str | None, error: WrongUse | HttpError | DeadlinePassed) -> Explanation:
    """The explanation of what is refused before anything is known of it."""
    return Explanation(
        agent=agent or "default",
        engine="",
        zone=LOCAL,
        model="",
        intent="",
        complexity=0.0,
        sensitive=False,
        reasons=(),
        decision_us=0.0,
        estimate=Estimate(cost_usd=ZERO, latency_ms=None),
        status=status_of(error),
        error=str(error),
    )


def _id(fields: dict[str, Any]) -> Id:
    """Raises HttpError (400) for what is neither a text nor a number of 64 bits."""
    id = fields.get("id")
    if not isinstance(id, str | int | float | None) or (isinstance(id, int) and not -(2**63) <= id < 2**63):
        raise HttpError(400, "invalid_request", "id: must be a text or a number of 64 bits")
    return id


def _request(sent: Recorded, agent: str | None, settings: Settings, snapshot: Snapshot) -> tuple[Request, str]:
    """The canonical request, and the line of the error where nobody serves its model. Raises HttpError (400)."""
    asked = read_fields(sent.body)
    agent = checked_agent(agent)
    unknown = ""
    try:
        target = from_settings(asked.model, agent, settings) or resolve(asked.model, agent, settings, snapshot)
    except HttpError as error:
        if error.kind != UNKNOWN:
            raise
        target, unknown = Target(agent=agent or "default", model=asked.model), str(error)
    return canonical(asked, target, sent.headers.get, id=new_id()), unknown
