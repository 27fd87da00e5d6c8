import pytest

from backends.cache import lifetime
from backends.clock import ManualClock
from backends.types import INTENTS, Envelope, Tool
from tests.backends.cache.samples import request


@pytest.mark.parametrize(
    "question",
    [
        "What is the weather now?",
        "Give me today's incidents",
        "latest pricing news",
        "What happened this week?",
        "Was ist heute passiert?",
        "今天天气怎么样",
    ],
)
def test_what_asks_for_now_is_never_kept(question: str) -> None:
    assert lifetime.lifetime_s(request(question), intent="translation", question=question) == 0


def test_a_translation_lives_for_months_and_a_health_check_for_seconds() -> None:
    text = "Translate this changelog"
    assert lifetime.lifetime_s(request(text), intent="translation", question=text) > 90 * lifetime.DAY
    assert 0 < lifetime.lifetime_s(request(text), intent="health-check", question=text) < lifetime.MINUTE


def test_an_unknown_intent_lives_for_an_hour() -> None:
    assert lifetime.lifetime_s(request(), intent="new-intent", question="x") == lifetime.HOUR


TOOLS = (Tool(name="look"),)


def test_a_tools_result_and_what_tools_could_have_looked_at_is_never_kept() -> None:
    assert lifetime.lifetime_s(request(), intent="tool-use", question="x") == 0
    for intent in ("tool-use", "health-check", "trend-analysis"):
        assert lifetime.lifetime_s(request(tools=TOOLS), intent=intent, question="x", by_agent=60) == 0
    assert lifetime.lifetime_s(request(tools=TOOLS), intent="coding", question="x") > 0


def test_with_tools_at_hand_only_an_ask_that_stands_on_its_own_words_is_reused() -> None:
    assert lifetime.may_use(request("What is a mutex?", tools=TOOLS))
    assert not lifetime.may_use(request("What is a mutex?", tools=TOOLS), with_tools=False)
    assert lifetime.may_use(request("What is a mutex?"), with_tools=False)
    for ask in ("What is in the folder?", "What is the newest kernel?", "Fix it."):
        assert lifetime.may_use(request(ask))
        assert not lifetime.may_use(request(ask, tools=TOOLS))


def test_a_tool_loop_is_never_reused() -> None:
    inside = Envelope(ask="What is a mutex?", message=1, continues=True)
    assert not lifetime.may_use(request(tools=TOOLS, envelope=inside))
    assert not lifetime.may_use(request(envelope=inside))


@pytest.mark.parametrize("finish", ["length", "blocked", "cancelled", "error"])
def test_only_whole_answers_are_kept(finish: str) -> None:
    assert not lifetime.may_store(finish=finish, text="half", called=False)  # type: ignore[arg-type]


def test_empty_answers_and_tool_calls_are_not_kept() -> None:
    assert not lifetime.may_store(finish="stop", text=" \n", called=False)
    assert not lifetime.may_store(finish="stop", text="x", called=True)
    assert lifetime.may_store(finish="stop", text="x", called=False)


def test_wall_time_never_goes_back() -> None:
    clock = ManualClock()
    wall = lifetime.MonotonicWallClock(clock)
    start = wall.now()
    clock.jump(-3600)
    clock.advance(10)
    assert wall.now() == start + 10
    clock.jump(3600)
    clock.jump(50)
    assert wall.now() == start + 60


def test_every_intent_has_a_lifetime() -> None:
    assert set(lifetime.LIFETIME_S) == set(INTENTS)
