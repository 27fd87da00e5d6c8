import msgspec
import pytest

from backends.gateway.http_errors import HttpError
from backends.gateway.model_names import Target, from_settings, models, names, resolve
from backends.settings.agents import AGENTS
from backends.settings.model import Settings
from backends.types import AgentState
from tests.backends.gateway.scripted_core import snapshot


def mapped(settings: Settings, **gateway: object) -> Settings:
    return msgspec.structs.replace(settings, gateway=msgspec.structs.replace(settings.gateway, **gateway))


def test_an_unknown_name_is_refused_in_openais_words_with_the_valid_ones(settings: Settings) -> None:
    with pytest.raises(HttpError) as turned:
        resolve("gpt-4o", None, settings, snapshot())
    assert (turned.value.http_status, turned.value.kind, turned.value.param) == (404, "model_not_found", "model")
    assert str(turned.value).startswith("The model `gpt-4o` does not exist or you do not have access to it.")
    for name in ("auto", "local", "cloud", *AGENTS, "qwen2.5:14b", "gemini-3.5-flash-lite"):
        assert name in str(turned.value)


def test_only_an_engine_s_own_model_needs_a_look_at_the_engines(settings: Settings) -> None:
    assert all(from_settings(name, None, settings) for name in ("auto", "local", "cloud", *AGENTS))
    assert from_settings("qwen2.5:14b", None, settings) is None
    assert resolve("qwen2.5:14b", None, settings, snapshot()) == Target(
        agent="default", engine="local", model="qwen2.5:14b"
    )


def test_without_engines_the_settings_name_the_models() -> None:
    served = models(Settings(), snapshot(engines=()))
    assert served == {"qwen2.5:14b": ("local",), "gemini-3.5-flash-lite": ("cloud",)}


@pytest.fixture
def several() -> Settings:
    """Two engines that serve one model, a third with one of its own, and an agent with a model that no engine has."""
    return msgspec.convert(
        {
            "engines": {
                "local": {"kind": "ollama"},
                "cloud": {"kind": "gemini"},
                "Twin": {"kind": "ollama", "model": "qwen2.5:14b"},
                "small": {"kind": "ollama", "model": "qwen2.5:3b"},
            },
            "agents": {"sherlock": {"model": "gemini-3.8-flash"}},
        },
        Settings,
    )


def test_every_engine_is_a_name_and_so_is_its_own_model(several: Settings) -> None:
    assert from_settings("SMALL", "ada", several) == Target(agent="ada", engine="small")
    assert from_settings("twin", None, several) == Target(agent="default", engine="Twin")
    running = snapshot(engines=())
    assert resolve("qwen2.5:3b", None, several, running) == Target(agent="default", engine="small", model="qwen2.5:3b")


def test_a_model_that_two_engines_serve_means_both(several: Settings) -> None:
    found = resolve("Qwen2.5:14B", None, several, snapshot(engines=()))
    assert found == Target(agent="default", engine="auto", model="qwen2.5:14b")


def test_an_agent_s_own_model_is_a_name(several: Settings) -> None:
    running = snapshot(engines=())
    assert resolve("gemini-3.8-flash", "ada", several, running) == Target(agent="ada", model="gemini-3.8-flash")
    listed = names(several, running)
    assert [*listed] == [
        "auto", "local", "cloud", "Twin", "small", "sherlock",
        "qwen2.5:14b", "gemini-3.5-flash-lite", "qwen2.5:3b", "gemini-3.8-flash",
    ]  # fmt: skip
    assert listed["qwen2.5:14b"] == "local, Twin"


def test_a_slip_of_an_engine_s_name_is_named(several: Settings) -> None:
    with pytest.raises(HttpError, match="Did you mean small"):
        resolve("smal", None, several, snapshot(engines=()))


def test_a_name_is_the_same_in_any_case(settings: Settings) -> None:
    assert from_settings("Scout", None, settings) == Target(agent="scout")
    assert from_settings("AUTO", "Ada", settings) == Target(agent="Ada")
    assert resolve("Qwen2.5:14B", None, settings, snapshot()).model == "qwen2.5:14b"


def test_an_agent_beside_another_brings_its_rules(settings: Settings) -> None:
    assert from_settings("scout", "writer", settings) == Target(agent="writer", rules=("scout",))
    assert from_settings("scout", "SCOUT", settings) == Target(agent="scout")


def test_names_that_clients_insist_on_are_mapped(settings: Settings) -> None:
    told = mapped(settings, models={"gpt-4o-mini": "auto", "gpt-4o": "scout", "o3": "qwen2.5:14b"})
    assert from_settings("gpt-4o-mini", "ada", told) == Target(agent="ada", engine="auto")
    assert from_settings("GPT-4o", None, told) == Target(agent="scout")
    assert resolve("o3", None, told, snapshot()) == Target(agent="default", engine="local", model="qwen2.5:14b")


def test_an_unknown_name_may_be_taken_as_auto_and_is_named(settings: Settings) -> None:
    told = mapped(settings, unknown_model="auto")
    taken = resolve("gpt-4o", "ada", told, snapshot())
    assert (taken.agent, taken.engine) == ("ada", "auto")
    assert taken.notes == ("no model gpt-4o is known: taken as auto",)
    assert "did you mean writer" in resolve("writr", None, told, snapshot()).notes[0]


def test_a_slip_of_an_agent_that_is_kept_at_home_is_never_taken_as_auto(settings: Settings) -> None:
    for setting in ("auto", "refuse"):
        with pytest.raises(HttpError, match="Did you mean scout"):
            resolve("scuot", None, mapped(settings, unknown_model=setting), snapshot())


def test_an_agent_that_was_configured_since_is_known(settings: Settings) -> None:
    later = snapshot(agents=(AgentState(name="Newsroom", policy="local"),))
    assert from_settings("newsroom", None, settings) is None
    assert resolve("newsroom", None, settings, later) == Target(agent="Newsroom")


def test_a_model_that_its_provider_replaced_is_answered_by_its_successor(settings: Settings) -> None:
    engines = tuple(
        msgspec.structs.replace(engine, model="gemini-3.5-flash-lite") if engine.name == "cloud" else engine
        for engine in snapshot().engines
    )
    found = resolve("gemini-2.5-flash", None, settings, snapshot(engines=engines))
    assert (found.engine, found.model) == ("cloud", "gemini-3.5-flash-lite")
    assert found.notes == ("gemini-2.5-flash was replaced by gemini-3.5-flash-lite",)


@pytest.mark.parametrize(
    "name", ["openai/scout", "claw/SCOUT", "scout:latest", "scout@prod", "claw-scout", '"scout"', "models/scuot"]
)
def test_a_name_that_holds_an_agent_kept_at_home_is_never_taken_as_auto(settings: Settings, name: str) -> None:
    with pytest.raises(HttpError, match="Did you mean scout"):
        resolve(name, "writer", mapped(settings, unknown_model="auto"), snapshot())


@pytest.mark.parametrize("name", ["scouting", "boyscout", "scout2", "openai/gpt-4o"])
def test_other_names_than_an_agents_are_taken_as_auto(settings: Settings, name: str) -> None:
    assert resolve(name, None, mapped(settings, unknown_model="auto"), snapshot()).engine == "auto"


def test_no_mapped_name_hides_an_agent(settings: Settings) -> None:
    for name in ("Scout", "scout", "SCOUT"):
        with pytest.raises(ValueError, match=f"the name {name} has a meaning already"):
            mapped(settings, models={name: "cloud"})
