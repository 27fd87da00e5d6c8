"""Five engines, each with faults: who answers instead, what leaves the local zone, and what the ledger says of it."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from backends.commands.explain import lines
from backends.rehearsal.faults import Fault
from backends.types import Action, Message, Request
from tests.e2e.five_engines import KEYS, five_engines

LOCALS, CLOUDS = ("gpu", "small", "local"), ("cloud", "backup")
ZONES = dict.fromkeys(LOCALS, "local") | dict.fromkeys(CLOUDS, "cloud")

STAND_INS = {"gpu": "backup", "small": "cloud", "local": "small", "cloud": "gpu", "backup": "cloud"}
"""For each engine another one, which answers in its place."""

AGENTS = "".join(
    f"""
[agents.via-{engine}]
policy = "{zone if zone == ZONES[STAND_INS[engine]] else f"prefer-{zone}"}"
engines = ["{engine}", "{STAND_INS[engine]}"]
"""
    for engine, zone in ZONES.items()
)

FAULTS = {
    "an internal error": Fault(kind="status", status=500, times=None),
    "a rate limit": Fault(kind="status", status=429, headers={"Retry-After": "30"}, times=None),
    "a wrong key": Fault(kind="status", status=401, times=None),
    "a cut before the first byte": Fault(kind="reset", times=None),
    "a refused connection": None,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("engine", ZONES)
async def test_another_candidate_answers_where_an_engine_fails(home: Path, engine: str, fault: str) -> None:
    async with five_engines(home, AGENTS) as it:
        well = await it.ask("Why is the sky blue?", agent=f"via-{engine}")
        assert (well.status_code, well.headers["x-claw-engine"]) == (200, engine)
        await it.strike(engine, FAULTS[fault])
        stand_in = STAND_INS[engine]
        answer = await it.ask("Why is the sea blue?", agent=f"via-{engine}")
        assert (answer.status_code, answer.headers["x-claw-engine"]) == (200, stand_in)
        # where the prompt was sent, by any of its calls
        went = "cloud" if "cloud" in (ZONES[engine], ZONES[stand_in]) else "local"
        assert (answer.json()["claw"]["engine"], answer.json()["claw"]["zone"]) == (stand_in, went)
        row = it.rows()[-1]
        assert (row["engine"], row["zone"], row["finish"]) == (stand_in, ZONES[stand_in], "stop")
        *failed, last = json.loads(row["attempts"])
        assert failed
        assert all(attempt["engine"] == engine and attempt["error"] for attempt in failed)
        assert (last["engine"], last["error"]) == (stand_in, None)


@pytest.mark.parametrize("engine", ZONES)
async def test_after_the_first_words_nobody_else_is_asked_and_the_stream_ends_with_the_error(
    home: Path, engine: str
) -> None:
    async with five_engines(home, AGENTS) as it:
        await it.strike(engine, Fault(kind="reset", after=2, times=None))
        answer = await it.ask("Why is the sky blue?", agent=f"via-{engine}", stream=True)
        assert (answer.status_code, answer.headers["x-claw-engine"]) == (200, engine)
        *_, last = (line.removeprefix("data: ") for line in answer.text.splitlines() if line)
        assert json.loads(last)["error"]["code"] == "cut"
        (row,) = it.rows()
        assert (row["engine"], row["zone"], row["finish"]) == (engine, ZONES[engine], "error")
        assert {attempt["engine"] for attempt in it.attempts()} == {engine}
        assert it.calls(STAND_INS[engine]) == []


async def test_one_replica_answers_for_the_other(home: Path) -> None:
    async with five_engines(home) as it:
        first, second = it.twins["gpu"]
        for number in range(6):
            await it.ask(f"Hello {number}", model="gpu")
        assert first.usage.ends["finished"] + second.usage.ends["finished"] == 6
        await first.close()
        answered = second.usage.ends["finished"]
        for number in range(6):
            answer = await it.ask(f"Hello again {number}", model="gpu")
            assert (answer.status_code, answer.headers["x-claw-engine"]) == (200, "gpu")
        assert second.usage.ends["finished"] == answered + 6
        assert {row["engine"] for row in it.rows()} == {"gpu"}


@pytest.mark.proves("I5")
async def test_nothing_sensitive_leaves_the_local_zone_whichever_engine_fails(home: Path) -> None:
    canary = "Tr0ub4dor-x7Qp2"
    secret = f"Why does postgres://admin:{canary}@db.intern/app refuse me?"
    agents = "".join(f'[agents.{policy}-agent]\npolicy = "{policy}"\n' for policy in ("auto", "prefer-cloud", "cloud"))
    async with five_engines(home, agents) as it:
        for down in (None, *LOCALS):
            if down is not None:
                await it.strike(down, None)
            for agent in ("auto-agent", "prefer-cloud-agent"):
                for answer in (
                    await it.ask(secret, agent=agent),
                    await it.ask(f"Is {canary} a good word?", agent=agent, sensitive=True),
                ):
                    if down == LOCALS[-1]:  # the last local engine is gone
                        assert answer.status_code in (502, 503)
                    else:
                        assert (answer.status_code, answer.headers["x-claw-zone"]) == (200, "local")
            assert (await it.ask(secret, agent="cloud-agent")).status_code == 403
        for engine in CLOUDS:
            assert (await it.ask("Why is the sky blue?", model=engine)).status_code == 200
            received = it.received(engine)
            assert b"Why is the sky blue?" in received
            assert canary.encode() not in received
        assert any(canary.encode() in it.received(engine) for engine in LOCALS)
        assert not [row for row in it.rows() if row["sensitive"] and row["zone"] != "local"]


async def test_a_key_goes_to_its_own_engine_alone(home: Path) -> None:
    async with five_engines(home) as it:
        for engine in ZONES:
            assert (await it.ask("Hello", model=engine)).status_code == 200
        for owner, key in KEYS.items():
            assert [engine for engine in ZONES if key.encode() in it.received(engine)] == [owner]


async def test_an_agent_whose_policy_is_local_never_reaches_a_cloud(home: Path) -> None:
    async with five_engines(home, '[agents.homebody]\npolicy = "local"\n') as it:
        assert (await it.ask("Hello", agent="homebody")).headers["x-claw-zone"] == "local"
        assert (await it.ask("Hello", agent="homebody", model="backup")).status_code == 403
        for engine in LOCALS:
            await it.strike(engine, None)
        answer = await it.ask("Hello again", agent="homebody")
        assert answer.status_code in (502, 503)
        assert it.received("cloud") == it.received("backup") == b""


async def test_a_pinned_agent_fails_clearly_with_its_engine(home: Path) -> None:
    async with five_engines(home) as it:
        await it.core.act(Action(verb="pin", actor="test", agent="ada", engine="small"))
        assert (await it.ask("Hello", agent="ada")).headers["x-claw-engine"] == "small"
        await it.strike("small", None)
        answer = await it.ask("Hello again", agent="ada")
        assert answer.status_code in (502, 503)
        assert "small" in answer.json()["error"]["message"]
        assert {attempt["engine"] for attempt in it.attempts()} == {"small"}


async def test_the_ledger_has_what_the_engines_themselves_counted(home: Path) -> None:
    async with five_engines(home, AGENTS) as it:
        for engine in ZONES:
            for number in range(4):
                await it.ask(f"Tell me something about the number {number}", model=engine)
        for engine in ("gpu", "cloud", "backup"):
            await it.strike(engine, Fault(kind="status", status=500, times=1))
            assert (await it.ask("What is a checksum?", agent=f"via-{engine}")).status_code == 200
        rows, attempts = it.rows(), it.attempts()
        assert len(rows) == 23
        assert sum(attempt["error"] is not None for attempt in attempts) == 4  # two of them by the replicas of gpu
        assert all(row["zone"] == ZONES[row["engine"]] for row in rows)
        for engine in ZONES:
            told = [attempt for attempt in attempts if attempt["engine"] == engine and attempt["error"] is None]
            counted = it.calls(engine)
            assert len(told) == len(counted) >= 4
            for kind in ("input", "output", "thinking"):
                assert sum(attempt["tokens"][kind] for attempt in told) == sum(getattr(call, kind) for call in counted)
        spent = {engine: sum(Decimal(a["cost_usd"]) for a in attempts if a["engine"] == engine) for engine in ZONES}
        assert [spent[engine] for engine in LOCALS] == [0, 0, 0]
        assert spent["cloud"] == sum(twin.usage.usd for twin in it.twins["cloud"]) > 0
        tokens = [(call.input, call.output) for call in it.calls("backup")]
        dollars = sum(
            Decimal(given) * Decimal("0.10") + Decimal(written) * Decimal("0.50") for given, written in tokens
        )
        assert spent["backup"] == dollars / 1_000_000
        assert sum(Decimal(row["cost_usd"]) for row in rows) == sum(spent.values())


async def test_an_agents_own_model_answers_it_and_whoever_names_that_model(home: Path) -> None:
    own = "gemini-2.5-flash-lite"
    agents = f'[agents.sherlock]\npolicy = "prefer-cloud"\nengines = ["cloud", "local"]\nmodel = "{own}"\n'
    async with five_engines(home, agents) as it:
        listed = {each["id"] for each in (await it.client.get("/v1/models")).json()["data"]}
        assert {"auto", *ZONES, "sherlock", own, "gemini-3.5-flash-lite", "qwen2.5:32b"} <= listed
        for agent, model in (("sherlock", "auto"), ("ada", own), ("default", own.upper())):
            answer = await it.ask(f"Hello from {agent}", agent=agent, model=model)
            assert (answer.headers["x-claw-engine"], answer.headers["x-claw-model"]) == ("cloud", own)
        others = await it.ask("Hello", agent="ada", model="cloud")
        assert others.headers["x-claw-model"] == "gemini-3.5-flash-lite"


async def test_explain_lists_every_candidate_with_its_cost_quality_and_what_ruled_it_out(home: Path) -> None:
    async with five_engines(home, AGENTS) as it:
        request = Request(id="x", agent="via-gpu", messages=(Message(role="user", text="Why is the sky blue?"),))
        explanation = await it.core.explain(request)
        assert (explanation.engine, explanation.zone) == ("gpu", "local")
        others = {each.engine: each for each in explanation.alternatives}
        assert {name: each.zone for name, each in others.items() if name in ZONES} == {
            name: zone for name, zone in ZONES.items() if name != "gpu"
        }
        assert all(0 <= (each.quality or -1) <= 1 for name, each in others.items() if name in ZONES)
        assert others["backup"].ruled_out_by is None
        assert {others[name].ruled_out_by for name in ("small", "local", "cloud")} == {"allowed"}
        text = "\n".join(lines(explanation))
        assert "backup (cloud) openai/gpt-oss-120b" in text
