"""Each search for a saving finds what is there, says what it is worth, and is silent where there is nothing."""

import shlex
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.finops.discounts import discounts
from backends.finops.forecast_summary import forecast_summary
from backends.finops.review import review
from backends.ledger import migrations
from backends.ledger.prices import Prices
from backends.ledger.running_totals import RunningTotals
from backends.ledger.sqlite_connection import extend
from backends.ledger.write_commands import Settle
from backends.ledger.writer import commit
from backends.settings.agents import Agent
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.settings.model_facts import ModelFacts
from backends.settings.money import Costs, LocalCosts
from backends.types import Attempt, Outcome, Recommendation, Tokens
from tests.backends.ledger.samples import attempt, outcome

NOW = datetime(2026, 6, 30, tzinfo=UTC)
AT = NOW - timedelta(days=10)
PRO = "gemini-2.5-pro"
FEW = Tokens(input=1000, output=100)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        migrations.migrate(opened)
        extend(opened)
        yield opened


def write(db: sqlite3.Connection, *outcomes: Outcome, hashes: tuple[str, ...] = ()) -> None:
    commands = [
        Settle(outcome=one, charged_usd=one.cost_usd, prompt_hash=hashes[index] if hashes else f"hash {one.id}")
        for index, one in enumerate(outcomes)
    ]
    assert commit(db, RunningTotals([], NOW, UTC), commands) == [None] * len(commands)


def cloud(id: str, *, usd: str = "1", tokens: Tokens = FEW, **more: Any) -> Outcome:
    model = more.pop("model", "gemini-3.5-flash-lite")
    paid = Attempt(engine="cloud", zone="cloud", model=model, tokens=tokens, cost_usd=Decimal(usd))
    plain: dict[str, Any] = {"agent": "writer", "at": AT, "complexity": 0.9, "tokens": tokens} | more
    return outcome(id, paid, **plain)


def found(db: sqlite3.Connection, kind: str, settings: Settings | None = None) -> list[Recommendation]:
    said = review(db, settings=settings or Settings(), prices=Prices({}), now=NOW)
    return [one for one in said.recommendations if one.kind == kind]


def test_nothing_is_recommended_of_an_empty_ledger(db: sqlite3.Connection) -> None:
    said = review(db, settings=Settings(), prices=Prices({}), now=NOW)
    assert (said.recommendations, said.months, said.cost_usd) == ((), (), 0)
    assert said.break_even.at_requests is None
    assert "costs.local" in said.break_even.note


def test_the_baseline_counts_the_prefix_cache_of_the_cloud_alone_where_it_is_known(db: sqlite3.Connection) -> None:
    known = replace(cloud("a"), baseline_usd=Decimal(4), cached_baseline_usd=Decimal("1.5"))
    write(db, known, replace(cloud("b"), baseline_usd=Decimal(4), cached_baseline_usd=None))
    said = review(db, settings=Settings(), prices=Prices({}), now=NOW)
    assert (said.baseline_usd, said.cached_baseline_usd) == (8, Decimal("5.5"))
    spend = RunningTotals([], NOW, UTC).spend()
    month = forecast_summary(db, spend=spend, now=NOW, timezone=UTC, discount=discounts(Prices({})))
    assert (month.month_cached_baseline_usd, month.month_saved_beside_cache_usd) == (Decimal("5.5"), Decimal("3.5"))


def test_a_dear_model_on_easy_prompts(db: sqlite3.Connection) -> None:
    easy = cloud("a", usd="10", model=PRO, tokens=Tokens(input=1_000_000, output=500_000), p_local=0.97, p_cloud=0.975)
    hard = replace(easy, id="b", p_local=0.5)
    write(db, easy, hard)
    (one,) = found(db, "dear-model")
    # gemini-3.5-flash-lite asks 0.30 and 2.50 a million: 1.55 for the easy one, 8.45 less in 30 days.
    assert one.usd_month == (Decimal("8.45") / 30 * Decimal("30.44")).quantize(Decimal("0.01"))
    assert "of 2 prompts 1" in one.evidence
    assert one.command == "claw config set agents.writer.model gemini-3.5-flash-lite"


def test_an_agent_bound_to_the_cloud_whose_prompts_are_easy(db: sqlite3.Connection) -> None:
    write(db, cloud("a", p_local=0.9, p_cloud=0.95), cloud("b", p_local=0.3, p_cloud=0.95))
    assert found(db, "policy") == []
    (one,) = found(db, "policy", Settings(agents={"writer": Agent(policy="cloud")}))
    assert one.command == "claw config set agents.writer.policy auto"
    assert "1 of its paid prompts" in one.evidence


def asking_for(model: str, **more: Any) -> Settings:
    plain = Settings()
    return replace(plain, engines=plain.engines | {"cloud": replace(plain.engines["cloud"], model=model)}, **more)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (datetime(2026, 9, 30, tzinfo=UTC), None),
        (datetime(2026, 11, 21, tzinfo=UTC), "is shut down on 2026-12-01, in 10 days"),
        (datetime(2026, 11, 30, tzinfo=UTC), "is shut down on 2026-12-01, in 1 day:"),
        (datetime(2026, 12, 3, tzinfo=UTC), "was shut down on 2026-12-01"),
    ],
)
def test_retirement_is_said_ahead_of_it_and_after_it_with_the_successor(
    db: sqlite3.Connection, now: datetime, words: str | None
) -> None:
    said = review(db, settings=asking_for("gemini-2.5-flash"), prices=Prices({}), now=now)
    old = [one for one in said.recommendations if one.kind == "old-model"]
    if words is None:
        assert old == []
        return
    (one,) = old
    assert words in one.title
    assert "gemini-3.5-flash-lite takes its place" in one.title
    assert one.command == "claw config set engines.cloud.model gemini-3.5-flash-lite"


def test_retirement_of_a_model_that_was_left_is_not_said(db: sqlite3.Connection) -> None:
    write(db, cloud("a", model="gemini-2.0-flash"))
    assert found(db, "old-model") == []
    write(db, cloud("b", model="gemini-2.0-flash", at=NOW - timedelta(hours=1)))
    (one,) = found(db, "old-model")
    assert "was shut down on 2026-06-01" in one.title
    assert one.evidence == "2 requests of the span went to it"


def test_retirement_goes_by_what_the_operator_knows_better(db: sqlite3.Connection) -> None:
    own = {"gemini-2.5-flash": ModelFacts(retires=date(2027, 6, 1), successor="gemini-9")}
    assert found(db, "old-model", asking_for("gemini-2.5-flash", models=own)) == []


def test_thinking_on_easy_prompts(db: sqlite3.Connection) -> None:
    tokens = Tokens(input=100, output=10, thinking=1_000_000)
    write(db, cloud("a", tokens=tokens, complexity=0.2), cloud("b", tokens=tokens, complexity=0.8))
    (one,) = found(db, "thinking")
    assert one.usd_month == (Decimal("2.5") / 30 * Decimal("30.44")).quantize(Decimal("0.01"))
    assert one.command == "claw config set agents.writer.thinking_budget 0"


def test_billed_calls_that_failed(db: sqlite3.Connection) -> None:
    failed, answered = attempt("0.75", error="cut: half an answer", estimated=True), attempt("1")
    write(db, outcome("a", failed, answered, at=AT), outcome("b", attempt("0", error="busy: later"), answered, at=AT))
    (one,) = found(db, "retries")
    assert one.usd_month == (Decimal("0.75") / 30 * Decimal("30.44")).quantize(Decimal("0.01"))
    assert one.evidence.startswith("1 billed calls of 1 requests")


def test_answers_at_the_cap_and_left_ones(db: sqlite3.Connection) -> None:
    write(db, cloud("a", finish="length"), cloud("b", finish="cancelled"), cloud("c"))
    length, left = sorted(found(db, "cut"), key=lambda one: one.evidence)
    assert length.command == "claw config set agents.writer.max_output 200"
    assert "were abandoned" in left.evidence


def test_a_prompt_paid_twice_by_one_and_by_two_agents(db: sqlite3.Connection) -> None:
    rows = (cloud("a"), cloud("b"), cloud("c", agent="ada"), cloud("d", agent="writer"), cloud("e"))
    write(db, *rows, hashes=("one", "one", "two", "two", "three"))
    alone, both = sorted(found(db, "duplicates"), key=lambda one: one.command, reverse=True)
    assert alone.command == "claw config set agents.writer.cache_ttl_s 604800"
    assert both.command == "claw config set agents.ada.cache_scope all"
    assert alone.usd_month == both.usd_month == (Decimal(1) / 30 * Decimal("30.44")).quantize(Decimal("0.01"))


def test_a_sensitive_prompt_is_no_duplicate(db: sqlite3.Connection) -> None:
    write(db, cloud("a", sensitive=True), cloud("b", sensitive=True), hashes=("one", "one"))
    assert found(db, "duplicates") == []


def test_long_openings_that_the_provider_does_not_cache(db: sqlite3.Connection) -> None:
    tokens = Tokens(input=100_000, output=10)
    write(db, *(cloud(str(index), agent="ada", tokens=tokens) for index in range(20)))
    (one,) = found(db, "context")
    # 2 million tokens at 0.30 a million, or 0.03 where they come cached.
    assert one.usd_month == (Decimal("0.54") / 30 * Decimal("30.44")).quantize(Decimal("0.01"))


def test_an_idle_machine(db: sqlite3.Connection) -> None:
    local = outcome("a", attempt("0", engine="local", model="qwen2.5:14b"), at=AT, latency_ms=1000.0)
    write(db, local)
    settings = Settings(costs=Costs(local=LocalCosts(rent_usd_month=Decimal(90))))
    (one,) = found(db, "idle", settings)
    assert one.usd_month == Decimal("90.00")
    assert found(db, "idle") == []


def test_what_saves_most_comes_first_and_cents_are_left_out(db: sqlite3.Connection) -> None:
    write(
        db,
        cloud("a", usd="5", finish="length"),
        cloud("b", usd="50", finish="cancelled"),
        cloud("c", usd="0.001", agent="ada", finish="length"),
    )
    first, second = found(db, "cut")
    assert "abandoned" in first.evidence
    assert "cap" in second.evidence


def test_months_say_the_price_of_tokens_and_the_tokens_of_a_request(db: sqlite3.Connection) -> None:
    tokens = Tokens(input=900, output=100)
    write(db, cloud("a", tokens=tokens), cloud("b", tokens=tokens, at=datetime(2026, 2, 3, tzinfo=UTC), usd="3"))
    february, june = review(db, settings=Settings(), prices=Prices({}), now=NOW).months
    assert (february.month, june.month) == ("2026-02", "2026-06")
    assert (february.usd_per_mtok, june.usd_per_mtok) == (3000, 1000)
    assert june.tokens_per_request == 1000


def test_an_agent_whose_name_has_a_dot_is_quoted(db: sqlite3.Connection) -> None:
    write(db, cloud("a", agent="team.one", finish="length"))
    (one,) = found(db, "cut")
    assert one.command == "claw config set agents.'\"team.one\"'.max_output 200"


ENGINES = """
[engines.local]
parallel = 2
[engines.gpu]
kind = "ollama"
model = "qwen2.5:32b"
zone = "local"
base_url = "http://10.0.0.2:11434"
replicas = ["http://10.0.0.3:11434"]
parallel = 3
[engines.lite]
kind = "gemini"
model = "gemini-2.5-flash"
[engines.backup]
kind = "openai"
zone = "cloud"
model = "anthropic/claude-sonnet-4"
base_url = "https://openrouter.ai/api/v1"
[agents.sherlock]
engines = ["lite"]
model = "gemini-2.0-flash"
[costs.local]
rent_usd_month = "90"
"""


@pytest.fixture
def several(tmp_path: Path) -> Settings:
    path = tmp_path / "claw.toml"
    path.write_text(ENGINES)
    return load(path, {}).settings


def test_all_places_of_the_own_engines_are_the_machine(db: sqlite3.Connection, several: Settings) -> None:
    month_ms = 30 * 86_400_000.0
    for engine, busy in (("local", 2), ("gpu", 2)):  # two of 2 + 2 × 3 places each, all the time
        for place in range(busy):
            call = attempt("0", engine=engine, model="m", zone="local")
            write(db, outcome(f"{engine}{place}", call, at=AT, latency_ms=month_ms, baseline_usd=Decimal(1)))
    write(db, outcome("hit", at=AT, latency_ms=month_ms))  # the cache keeps no place
    said = review(db, settings=several, prices=Prices({}), now=NOW)
    (one,) = [one for one in said.recommendations if one.kind == "idle"]
    assert (one.usd_month, one.evidence) == (Decimal("45.00"), "its 8 places were empty 50% of the time")
    assert said.break_even.capacity == 8
    assert said.break_even.cloud_usd == 1


def test_models_that_end_are_changed_where_they_are_named(db: sqlite3.Connection, several: Settings) -> None:
    said = review(db, settings=several, prices=Prices({}), now=datetime(2026, 11, 21, tzinfo=UTC))
    commands = {one.command for one in said.recommendations if one.kind == "old-model"}
    assert commands == {
        "claw config set engines.lite.model gemini-3.5-flash-lite",
        "claw config set agents.sherlock.model gemini-3.5-flash-lite",
    }


def test_only_gemini_engines_have_cheaper_siblings(db: sqlite3.Connection, several: Settings) -> None:
    tokens = Tokens(input=1_000_000, output=500_000)
    easy = cloud("a", usd="10", model=PRO, tokens=tokens, p_local=0.97, p_cloud=0.975)
    write(db, replace(easy, engine="lite"), replace(easy, id="b", agent="ada", engine="backup"))
    (one,) = found(db, "dear-model", several)
    assert one.title == f"writer pays {PRO} where gemini-3.5-flash-lite would do"


def test_an_agent_without_a_table_is_changed_with_default(db: sqlite3.Connection) -> None:
    write(db, cloud("a", agent="stranger", finish="length"))
    (one,) = found(db, "cut", Settings(agents={"default": Agent(policy="prefer-local")}))
    assert one.command == "claw config set agents.default.max_output 200"


def test_a_hostile_name_cannot_leave_its_command(db: sqlite3.Connection) -> None:
    name = "a'; rm -rf ~; '\""
    write(db, cloud("a", agent=name, finish="length"))
    (one,) = found(db, "cut")
    program, config, verb, key, value = shlex.split(one.command)
    assert (program, config, verb, value) == ("claw", "config", "set", "200")
    assert tomllib.loads(f"{key} = 1") == {"agents": {name: {"max_output": 1}}}
