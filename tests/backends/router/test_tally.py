from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.engines.base import Call, kept_back
from backends.errors import EngineError
from backends.ledger.prices import Prices
from backends.router.costs import Costs
from backends.router.tally import ON_THE_WAY, Meter, Tally
from backends.types import Message, Tokens

CALL = Call(
    id="1",
    model="gemini-2.5-flash",
    messages=(Message(role="user", text="draft a post about routers"),),
    max_output=8192,
    thinking_budget=2048,
    input_tokens=12,
    first_byte_s=60,
    idle_s=30,
)
COSTS = Costs(Prices({}), ManualClock(), cloud_model="gemini-2.5-flash")
RESERVED = COSTS.worst("cloud", CALL)


def meter() -> Meter:
    return Meter("cloud", CALL, reserved_usd=RESERVED, costs=COSTS, clock=ManualClock())


def test_reported_usage_is_the_cost_and_the_charge() -> None:
    it = meter()
    it.heard("hello")
    it.used(Tokens(input=10, output=5))
    it.used(Tokens(input=10, output=7, thinking=3))
    it.used(Tokens())
    attempt, charged = it.done()
    assert attempt.tokens == Tokens(input=10, output=7, thinking=3)
    assert not attempt.estimated
    assert charged == attempt.cost_usd == COSTS.of("cloud", CALL.model, attempt.tokens)


def test_an_answer_without_a_report_is_estimated_and_charged_whole() -> None:
    it = meter()
    it.heard("hello there")
    attempt, charged = it.done()
    assert attempt.estimated
    assert attempt.tokens.output > 0
    assert charged == RESERVED


def test_a_stream_that_broke_is_charged_whole_since_the_engine_may_have_gone_on() -> None:
    it = meter()
    it.heard("hello")
    it.used(Tokens(input=10, output=5))
    attempt, charged = it.failed(EngineError("it broke: ask again", kind="cut", billed=True))
    assert attempt.tokens == Tokens(input=10, output=5)
    assert charged == RESERVED > attempt.cost_usd


def test_a_call_that_was_not_billed_costs_nothing() -> None:
    attempt, charged = meter().failed(EngineError("nobody listens: start it", kind="unavailable"))
    assert (attempt.tokens, attempt.cost_usd, charged) == (Tokens(), 0, 0)


def test_who_leaves_before_the_first_word_is_charged_whole() -> None:
    counted = meter().left("cancelled")
    assert counted is not None
    assert counted[1] == RESERVED


def test_who_leaves_before_anything_was_sent_made_no_call() -> None:
    it, tally = meter(), Tally()
    kept_back(it.call)
    tally.add(it.left("cancelled"))
    assert (tally.attempts, tally.charged_usd) == ([], 0)


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=20), st.integers(0, 200))
def test_who_leaves_in_the_middle_is_charged_what_was_heard_and_a_little_more(texts: list[str], thinking: int) -> None:
    it = meter()
    it.used(Tokens(input=30, output=1, thinking=thinking))
    for text in texts:
        it.heard(text)
    counted = it.left("cancelled")
    assert counted is not None
    attempt, charged = counted
    most = Tokens(input=30, output=1 + ON_THE_WAY + len("".join(texts).encode()), thinking=thinking)
    assert attempt.estimated
    assert attempt.cost_usd <= charged <= min(RESERVED, COSTS.of("cloud", CALL.model, most))


def test_what_is_reserved_holds_for_a_prompt_of_digits() -> None:
    digits = Message(role="user", text="7" * 1000)
    call = Call(
        id="1",
        model=CALL.model,
        messages=(digits,),
        max_output=1,
        thinking_budget=0,
        input_tokens=1,
        first_byte_s=60,
        idle_s=30,
    )
    assert COSTS.worst("cloud", call) >= COSTS.of("cloud", CALL.model, Tokens(input=1000, output=1))


def test_a_requests_figures_are_the_sums_of_its_attempts() -> None:
    tally = Tally()
    for _ in range(3):
        it = meter()
        it.used(Tokens(input=10, output=5, cached_input=2))
        tally.add(it.done())
    assert tally.tokens == Tokens(input=30, output=15, cached_input=6)
    assert tally.cost_usd == tally.charged_usd == sum((each.cost_usd for each in tally.attempts), Decimal(0))
    assert not tally.estimated


def test_a_local_call_costs_nothing_that_is_billed() -> None:
    it = Meter("local", CALL, reserved_usd=Decimal(0), costs=COSTS, clock=ManualClock())
    it.heard("hello")
    counted = it.left("cancelled")
    assert counted is not None
    assert counted[1] == it.done()[1] == 0
