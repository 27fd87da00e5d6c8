"""What engines do on bad days, through a whole core: what callers hear over HTTP, the row, the budget, the alert.

Whoever may be answered by the other engine is; who may not hears the truth in its dialect. Each core's ledger is held
against its twins' counts in the end.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from msgspec.structs import replace

from backends.settings.model import Settings
from backends.types import EngineName
from tests.core import Stand, policy, served, stand
from tests.waiting import until

Money = Literal["none", "exact", "bound"]
"""Nothing is charged; as the provider counts; or an estimate with more than that."""


@dataclass(frozen=True)
class Row:
    """An incident, and what becomes of a request that only this engine may answer.

    `status` is what its caller hears where the answer comes whole, `code` that of the error. `heard` says that the
    answer begins before it breaks, `elsewhere` that the other engine answers whom it may. `shown` is what the console
    says of the engine, "" where it is well, and `alert` the alert that is raised.
    """

    incident: str
    status: int
    code: str = ""
    finish: str = "error"
    heard: bool = False
    elsewhere: bool = True
    money: Money = "none"
    retry_after: str = ""
    shown: str = ""
    alert: str = ""
    note: str = ""

    @property
    def engine(self) -> EngineName:
        return "local" if self.incident.startswith("L") else "cloud"


def fine(incident: str, *, money: Money = "exact", finish: str = "stop", note: str = "") -> Row:
    """One that an answer survives."""
    return Row(incident, 200, finish=finish, elsewhere=False, money=money, note=note)


def broken(incident: str, status: int, code: str, shown: str, *, money: Money = "none") -> Row:
    """One that breaks an answer in the middle: nobody else may go on with it."""
    return Row(incident, status, code, heard=True, elsewhere=False, money=money, shown=shown)


def key(incident: str, shown: str) -> Row:
    """The provider refuses the key: that is not the caller's fault, so never 401."""
    return Row(incident, 502, "key", shown=shown, alert="engine:cloud:key")


GONE = "engine:cloud:model:gemini-3.5-flash-lite"
ROWS = (
    Row("L1", 503, "busy", retry_after="10", shown="503, full", alert="engine:local:full"),
    broken("L3a", 502, "cut", "Ollama broke off"),
    broken("L3b", 502, "cut", "Ollama ended its answer without saying so"),
    broken("L3c", 502, "cut", "Ollama stopped in the middle of a frame"),
    Row("L4", 400, "context_length_exceeded"),
    Row("L5", 504, "timeout", shown="Ollama sent no byte within 0.1"),
    Row("L5b", 502, "unavailable", shown="500, unavailable"),
    fine("L8", finish="length", money="none"),
    fine("L9", money="none"),
    Row("C1", 429, "rate_limit_exceeded", retry_after="36", shown="429, minute quota", alert="engine:cloud:minute"),
    Row("C2", 429, "daily-quota", shown="429, day quota 250/day used up", alert="engine:cloud:day"),
    Row("C2b", 429, "rate_limit_exceeded", shown="429, rate limited", alert="engine:cloud:minute"),
    Row("C2c", 429, "daily-quota", shown="429, day quota 250/day used up", alert="engine:cloud:day"),
    Row("C3", 502, "unavailable", shown="503, unavailable"),
    Row("C3b", 502, "unavailable", shown="500, unavailable"),
    Row("C4", 504, "timeout", money="bound", shown="Gemini sent no byte within 0.1"),
    broken("C5a", 504, "timeout", "Gemini fell silent for 0.1", money="bound"),
    broken("C5b", 502, "cut", "Gemini ended its answer without a reason", money="bound"),
    broken("C5c", 502, "cut", "Gemini broke the connection", money="bound"),
    broken("C5d", 502, "cut", "Gemini broke off", money="bound"),
    fine("C6", finish="length", note="thought the whole cap"),
    fine("C7", finish="blocked", note="blocked: PROHIBITED_CONTENT"),
    fine("C7b", finish="blocked", note="blocked: SAFETY"),
    fine("C7c", finish="blocked", note="blocked: RECITATION"),
    fine("C8", money="bound"),
    fine("C8b"),
    fine("C8c", money="bound"),
    fine("C8d"),
    fine("C8e", money="bound", note="its usage is estimated"),
    *(fine(f"C9{variant}") for variant in "abcdefg"),
    key("C10", "400, key refused"),
    key("C10b", "401, key refused"),
    key("C10c", "403, key refused"),
    key("C10d", "400, key refused"),
    Row("C11", 502, "model", shown="404, model not served", alert=GONE),
)
SECONDS_TO_MIDNIGHT = 86_400


def settings_for(row: Row) -> Callable[[Settings], Settings]:
    """ada may be answered by either engine and rather by this one, writer by this one alone. Nobody waits for long."""

    def change(settings: Settings) -> Settings:
        engines = {name: replace(engine, first_byte_s=0.15, idle_s=0.15) for name, engine in settings.engines.items()}
        changed = policy(replace(settings, engines=engines), "ada", f"prefer-{row.engine}")  # type: ignore[arg-type]
        return policy(changed, "writer", row.engine)  # type: ignore[arg-type]

    return change


async def post(http: httpx.AsyncClient, agent: str, *, stream: bool) -> httpx.Response:
    text = "Describe each of our racks in a sentence of its own."
    body = {"model": "auto", "messages": [{"role": "user", "content": text}], "max_tokens": 100, "stream": stream}
    headers = {"X-Claw-Agent": agent, "Cache-Control": "no-store"}
    return await http.post("/v1/chat/completions", json=body, headers=headers)


def befall(it: Stand, row: Row) -> None:
    """The engine is well but for this incident."""
    twin = it.ollama if row.engine == "local" else it.gemini
    twin.behaviour = replace(twin.behaviour, faults=(), chunk_tokens=4)
    twin.incident(row.incident)
    it.slots[row.engine].breaker.answered()


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream; its terminator is {}."""
    data = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [{} if one == "[DONE]" else json.loads(one) for one in data]


def is_whole(answer: httpx.Response) -> bool:
    """Does it end with its terminator, and has no error?"""
    return (
        answer.status_code == 200 and events(answer)[-1] == {} and not any("error" in each for each in events(answer))
    )


@pytest.mark.proves(
    "L1", "L3", "L4", "L5", "L8", "L9", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "I6"
)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.incident)
async def test_what_an_engine_does_is_told_to_its_caller_booked_and_shown(home: Path, row: Row) -> None:
    change = settings_for(row)
    async with (
        stand(home, change=change) as it,
        served(it, change) as address,
        httpx.AsyncClient(base_url=address) as http,
    ):
        befall(it, row)
        whole = await post(http, "writer", stream=False)
        if row.alert:
            await it.alert(row.alert)
        shown = {engine.name: engine for engine in (await it.core.snapshot()).engines}[row.engine]
        await until(it.idle)
        befall(it, row)
        streamed = await post(http, "writer", stream=True)
        await until(it.idle)
        befall(it, row)
        other = await post(http, "ada", stream=True)
        await until(it.idle)
        rows, budget, billed = await asyncio.to_thread(it.rows), (await it.budgets())[0], it.billed()
    told(row, whole, streamed)
    assert is_whole(other) is (row.elsewhere or row.status == 200)
    assert (shown.health != "up") is bool(row.shown)
    assert row.shown in (shown.detail)
    booked(row, rows)
    assert budget.reserved_usd == 0
    assert (budget.spent_usd > billed) if row.money == "bound" else (budget.spent_usd == billed)


def told(row: Row, whole: httpx.Response, streamed: httpx.Response) -> None:
    """What its callers heard: the whole answer's status, and how the stream ended."""
    assert whole.status_code == row.status
    if row.status != 200:
        assert whole.json()["error"]["code"] == row.code
    if row.retry_after:
        assert whole.headers["retry-after"] == row.retry_after
    if row.status == 429 and not row.retry_after:
        assert 0 < int(whole.headers["retry-after"]) <= SECONDS_TO_MIDNIGHT
    if row.heard:
        assert events(streamed)[-1]["error"]["code"] == row.code
        assert any(each.get("choices") for each in events(streamed))
    else:
        assert streamed.status_code == row.status
        assert row.status != 200 or is_whole(streamed)


def booked(row: Row, rows: list[dict[str, Any]]) -> None:
    """One row for each request. What failed before it began costs nothing."""
    assert [each["agent"] for each in rows] == ["writer", "writer", "ada"]
    assert [each["finish"] for each in rows[:2]] == [row.finish] * 2
    assert (rows[2]["engine"] != row.engine) is row.elsewhere
    assert {bool(each["usage_estimated"]) for each in rows[:2]} == {row.money == "bound" or row.heard}
    assert all(row.note in each["notes"] for each in rows[:2])
    costs = [Decimal(each["cost_usd"]) for each in rows[:2]]
    assert all(cost == 0 for cost in costs) if row.money == "none" else all(cost > 0 for cost in costs)
