"""An agent's name in any case, a slip of it, and the rules of several agents at once."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.agent_names import meant, spelled
from backends.errors import Refused, WrongSettings, WrongUse
from backends.pipeline.normalise import normalise
from backends.settings.agents import AGENTS, Agent
from backends.settings.gateway import Gateway
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.settings.privacy import Privacy
from backends.types import Message, Request

HOME = Settings(
    agents={
        "Scout": Agent(policy="local", sensitive=True),
        "writer": Agent(max_output=500),
        "infra": Agent(policy="local"),
    }
)


def asked(agent: str, *rules: str, settings: Settings = HOME) -> Request:
    request = Request(
        id="1", agent=agent, rules=rules, source="gateway", messages=(Message(role="user", text="hello"),)
    )
    return normalise(request, settings)


@pytest.mark.parametrize("name", ["Scout", "scout", "SCOUT"])
def test_a_name_is_the_same_in_any_case_and_is_spelled_as_configured(name: str) -> None:
    request = asked(name)
    assert (request.agent, request.sensitive) == ("Scout", True)
    assert spelled(name, HOME.agents) == "Scout"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("scuot", "scout"),
        ("scou", "scout"),
        ("scoutt", "scout"),
        ("skout", "scout"),
        ("sherlok", "sherlock"),
        ("shrelokc", "sherlock"),
        ("clasifer", "classifier"),
        ("scooter", None),
        ("claw2", None),
        ("claw-2", None),
        ("writer.07", None),
        ("newsroom", None),
    ],
)
def test_a_slip_of_the_pen_is_known_and_a_number_is_none(name: str, near: str | None) -> None:
    assert meant(name, AGENTS) == near


def test_a_number_in_place_of_another_is_another_agent() -> None:
    assert meant("agent2", ["agent1"]) is None


def test_a_slip_of_an_agent_that_is_kept_at_home_is_refused_wherever_it_comes_from() -> None:
    for name, near in (("scuot", "Scout"), ("infre", "infra")):
        with pytest.raises(WrongUse, match=f"did you mean {near}"):
            asked(name, settings=replace(HOME, gateway=Gateway(unknown_agents="default")))
    with pytest.raises(WrongUse, match="did you mean Scout"):
        normalise(Request(id="1", agent="scuot", messages=(Message(role="user", text="x"),)), HOME)


def test_a_slip_of_another_agent_is_taken_and_named() -> None:
    plain = Settings(agents={"writer": Agent()})
    request = asked("writr", settings=plain)
    assert (request.agent, request.notes) == ("writr", ("no agent writr is configured: did you mean writer?",))


def test_agents_that_nobody_configured_are_refused_once_one_is_kept_at_home() -> None:
    with pytest.raises(WrongUse, match="newsroom is configured"):
        asked("newsroom")
    assert asked("default").agent == "default"
    assert asked("newsroom", settings=replace(HOME, gateway=Gateway(unknown_agents="default"))).agent == "newsroom"
    built_in = load(Path("/absent/claw.toml"), {}).settings
    assert asked("newsroom", settings=built_in).agent == "newsroom"
    assert not built_in.refuses_unknown_agents()
    with pytest.raises(WrongUse, match="newsroom is configured"):
        asked("newsroom", settings=replace(built_in, gateway=Gateway(unknown_agents="refuse")))


def test_agents_that_nobody_configured_have_the_rules_of_default() -> None:
    settings = Settings(agents={"default": Agent(max_output=7)}, gateway=Gateway(unknown_agents="default"))
    assert asked("newsroom", settings=settings).sampling.max_tokens == 7


def test_where_names_disagree_the_stricter_rules_hold() -> None:
    request = asked("writer", "scout")
    assert (request.agent, request.rules, request.sensitive) == ("writer", ("Scout",), True)
    assert request.sampling.max_tokens == 500
    assert asked("scout", "SCOUT").rules == ()


def test_every_rule_of_either_agent_holds() -> None:
    one = Agent(
        policy="cloud",
        privacy="redact",
        max_cost_usd=Decimal(2),
        max_output=10,
        models=("gemini-3.5-flash-lite", "qwen2.5:14b"),
    )
    other = Agent(
        policy="local",
        max_cost_usd=Decimal(1),
        max_latency_s=3.0,
        thinking_budget=0,
        engines=("local",),
        models=("qwen2.5:14b", "qwen2.5:3b"),
        cache="off",
        cache_scope="all",
    )
    settings = Settings(agents={"one": one, "other": other})
    for names in (("one", "other"), ("other", "one")):
        rules = settings.rules(names[0], names[1:])
        assert rules == Agent(
            policy="local",
            privacy="local",
            max_cost_usd=Decimal(1),
            max_latency_s=3.0,
            max_output=10,
            thinking_budget=0,
            engines=("local",),
            models=("qwen2.5:14b",),
            cache="off",
            cache_scope="agent",
        )


def test_of_two_agents_the_stricter_privacy_holds_for_secrets_and_for_personal_data() -> None:
    agents = {
        "open": Agent(privacy="redact"),
        "careful": Agent(secrets="local", personal="redact"),
        "first": Agent(privacy="local-else-redact"),
    }
    settings = Settings(agents=agents, privacy=Privacy(action="redact", personal="local"))
    assert settings.agent("nobody").privacy_actions(settings.privacy) == ("redact", "local")

    def actions(*names: str) -> tuple[str, str]:
        return settings.rules(names[0], names[1:]).privacy_actions(settings.privacy)

    assert actions("open") == ("redact", "redact")
    for names, both in (
        (("open", "careful"), ("local", "redact")),
        (("first", "careful"), ("local", "local-else-redact")),
        (("open", "first"), ("local-else-redact", "local-else-redact")),
        (("open", "nobody"), ("redact", "local")),
    ):
        assert actions(*names) == both == actions(*reversed(names))


def test_rules_that_leave_nobody_are_refused() -> None:
    settings = Settings(agents={"one": Agent(engines=("local",)), "other": Agent(engines=("cloud",))})
    with pytest.raises(Refused, match="no engine in common"):
        settings.rules("one", ("other",))


def told(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "claw.toml"
    path.write_text(text)
    return load(path, {}).settings


def test_a_built_in_agent_may_be_configured_in_any_case(tmp_path: Path) -> None:
    settings = told(tmp_path, '[agents.Scout]\nsensitive = true\n[[budgets]]\nscope = "agent:SCOUT"\nlimit_usd = "1"\n')
    assert "scout" not in settings.agents
    assert settings.agents["Scout"] == Agent(policy="local", sensitive=True)
    assert settings.budgets[0].scope == "agent:Scout"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[agents.Ada]\n[agents.ADA]\n", "are one agent"),
        ('[gateway.models]\n"scout" = "auto"\n', "has a meaning"),
        ('[gateway.models]\n"gpt-4o" = "gpt-4o-mini"\n', "must mean auto"),
    ],
)
def test_names_that_mean_two_things_or_nothing_are_refused_at_the_start(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(WrongSettings, match=said):
        told(tmp_path, text)
