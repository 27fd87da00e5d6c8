import pytest
from msgspec.structs import replace

from backends.errors import TooLarge, WrongUse
from backends.pipeline.normalise import normalise
from backends.settings.agents import Agent
from backends.settings.cache import Cache
from backends.settings.model import Router, Settings
from backends.types import Media, Message, Request, ResponseFormat, Sampling, Tool, ToolCall

SETTINGS = Settings(
    router=Router(deadline_s=120.0, max_prompt_bytes=1000),
    agents={"infra": Agent(policy="local", sensitive=True, deadline_s=30.0)},
)


def request(text: str = "are all units up?", **more: object) -> Request:
    return replace(Request(id="1", messages=(Message(role="user", text=text),)), **more)


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_prompt_is_wrong_use(text: str) -> None:
    with pytest.raises(WrongUse, match="prompt is empty"):
        normalise(request(text), SETTINGS)


def test_an_agents_ceiling_on_output_is_said_where_it_cuts_what_was_asked_for() -> None:
    capped = replace(SETTINGS, agents={"ada": Agent(max_output=200)})
    for wanted, notes in ((None, ()), (200, ()), (201, ("max_tokens 201 cut to 200",))):
        asked = request(agent="ada", sampling=Sampling(max_tokens=wanted))
        normalised = normalise(asked, capped)
        assert (normalised.sampling.max_tokens, normalised.notes) == (200, notes)


def test_instructions_that_stand_alone_are_a_prompt() -> None:
    alone = Request(id="1", messages=(Message(role="system", text="Say good morning."),))
    assert normalise(alone, SETTINGS).messages == alone.messages


def test_instructions_to_an_empty_question_are_no_prompt() -> None:
    system = Message(role="system", text="be brief")
    for said in (Message(role="user", text=" "), Message(role="tool", tool_call_id="a")):
        with pytest.raises(WrongUse, match="prompt is empty"):
            normalise(Request(id="1", messages=(system, said)), SETTINGS)
    with pytest.raises(WrongUse, match="no message is a user's"):
        normalise(Request(id="1", messages=(Message(role="assistant", text="hello"),)), SETTINGS)


def test_a_wish_for_chance_is_not_answered_from_the_cache() -> None:
    shared = replace(SETTINGS, cache=Cache(sampled=True))
    for sampling, kept in (
        (Sampling(temperature=0.7), False),
        (Sampling(temperature=0.7, seed=1), True),
        (Sampling(temperature=0), True),
        (Sampling(), True),
    ):
        assert normalise(request(sampling=sampling), SETTINGS).cache is kept
        assert normalise(request(sampling=sampling), shared).cache is True


def test_an_image_alone_is_a_prompt() -> None:
    asked = Request(id="1", messages=(Message(role="user", media=(Media(media_type="image/png", data=b"x"),)),))
    assert normalise(asked, SETTINGS).deadline_s == 120.0


def test_an_agents_ceilings_hold_whatever_the_request_says() -> None:
    capped = replace(SETTINGS, agents={"ada": Agent(deadline_s=20.0, max_latency_s=10.0, max_output=200)})
    kept = normalise(request(agent="ada", deadline_s=60.0, sampling=Sampling(max_tokens=900)), capped)
    assert (kept.deadline_s, kept.timeout_s, kept.sampling.max_tokens) == (60.0, 10.0, 200)
    lower = normalise(request(agent="ada", timeout_s=5.0, sampling=Sampling(max_tokens=50)), capped)
    assert (lower.deadline_s, lower.timeout_s, lower.sampling.max_tokens) == (20.0, 5.0, 50)
    silent = normalise(request(agent="ada"), capped)
    assert (silent.deadline_s, silent.timeout_s, silent.sampling.max_tokens) == (20.0, 10.0, 200)


@pytest.mark.parametrize("agent", ["", "a b", "../x", "x" * 65, "\x1b[31m", "ünï"])
def test_an_agents_name_is_plain(agent: str) -> None:
    with pytest.raises(WrongUse, match="agent's name"):
        normalise(request(agent=agent), SETTINGS)


def test_every_part_counts_towards_the_limit() -> None:
    call = ToolCall(id="c", name="search", arguments="x" * 600)
    parts = (Message(role="user", text="é" * 150), Message(role="assistant", tool_calls=(call,)))
    normalise(Request(id="1", messages=parts), SETTINGS)
    with pytest.raises(TooLarge, match=r"router\.max_prompt_bytes"):
        normalise(Request(id="1", messages=(*parts, Message(role="user", text="y" * 200))), SETTINGS)


def test_tools_and_schema_count_towards_the_limit_too() -> None:
    tool = Tool(name="search", parameters={"description": "x" * 600})
    form = ResponseFormat(kind="schema", schema={"description": "y" * 600})
    normalise(request(tools=(tool,)), SETTINGS)
    with pytest.raises(TooLarge):
        normalise(request(tools=(tool,), response_format=form), SETTINGS)


@pytest.mark.parametrize("cap", [0, -5])
def test_a_cap_that_would_reserve_less_than_nothing_is_wrong_use(cap: int) -> None:
    with pytest.raises(WrongUse, match="max_tokens"):
        normalise(request(sampling=Sampling(max_tokens=cap)), SETTINGS)


def test_lone_surrogates_are_measured_rather_than_raised() -> None:
    assert normalise(request("\ud800 hello"), SETTINGS).deadline_s == 120.0


@pytest.mark.parametrize(
    ("agent", "asked", "expected"), [("infra", None, 30.0), ("ada", None, 120.0), ("infra", 5.0, 5.0)]
)
def test_the_deadline_is_the_callers_then_the_agents_then_the_routers(
    agent: str, asked: float | None, expected: float
) -> None:
    assert normalise(request(agent=agent, deadline_s=asked), SETTINGS).deadline_s == expected


def test_a_deadline_in_the_past_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="deadline"):
        normalise(request(deadline_s=-1.0), SETTINGS)
    with pytest.raises(WrongUse, match="deadline"):
        normalise(request(timeout_s=-1.0), SETTINGS)


def test_a_sensitive_agent_makes_its_requests_sensitive() -> None:
    assert normalise(request(agent="infra"), SETTINGS).sensitive
    assert not normalise(request(agent="ada"), SETTINGS).sensitive
