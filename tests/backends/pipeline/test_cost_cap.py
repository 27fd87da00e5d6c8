"""A cap on one request's cost: what is cut, in which order, and what comes of a call that cannot be cut enough."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.engines.base import Call
from backends.errors import CostCapExceeded
from backends.ledger.reservations import NOT_LIMITED, Headroom
from backends.pipeline.engine_call import HELD_TIMES, SPENT_TIMES, capped, within_budget
from backends.settings.model import Settings
from backends.types import Message
from tests.core import ask, policy, prompt, stand

CALL = Call(
    id="c",
    model="m",
    messages=(Message(role="user", text="hello"),),
    max_output=1000,
    thinking_budget=2000,
    input_tokens=100,
    first_byte_s=1.0,
    idle_s=1.0,
)


def worst(call: Call) -> Decimal:
    """A dollar a token."""
    return Decimal(call.input_tokens + call.max_output + (call.thinking_budget or 0))


@pytest.mark.parametrize(
    ("cap", "output", "thinking"),
    [
        (3100, 1000, 2000),
        (2900, 800, 2000),
        (2400, 300, 2000),
        (2399, 1000, 0),
        (500, 400, 0),
        (399, 300, 0),
    ],
)
def test_output_is_cut_first_then_thinking_and_never_below_what_is_useful(cap: int, output: int, thinking: int) -> None:
    call = capped(CALL, Decimal(cap), worst=worst, useful=300)
    assert call == replace(CALL, max_output=output, thinking_budget=thinking)


@given(st.integers(1, 5000), st.none() | st.integers(0, 5000), st.integers(0, 9000), st.integers(1, 2000))
def test_what_is_left_fits_unless_it_is_the_least_that_is_useful(
    output: int, thinking: int | None, cap: int, useful: int
) -> None:
    call = replace(CALL, max_output=output, thinking_budget=thinking)
    made = capped(call, Decimal(cap), worst=worst, useful=useful)
    assert made.max_output <= output
    assert (made.thinking_budget is None) == (thinking is None)
    if worst(made) > cap:
        assert made.max_output == min(useful, output)
        assert not made.thinking_budget


def cap_of(usd: str, wanted: str = "cloud") -> object:
    def change(settings: Settings) -> Settings:
        return policy(settings, "writer", wanted, max_cost_usd=Decimal(usd))  # type: ignore[arg-type]

    return change


async def test_a_call_is_cut_to_its_cap_and_billed_within_it(home: Path) -> None:
    async with stand(home, change=cap_of("0.002")) as it:  # type: ignore[arg-type]
        _, outcome = await ask(it.core, prompt("draft a post about rain", agent="writer"))
        (row,) = it.rows()
        assert it.billed() == Decimal(row["cost_usd"])
    assert outcome.engine == "cloud"
    assert 0 < outcome.cost_usd <= Decimal("0.002")


async def test_what_cannot_be_cut_so_far_is_refused_or_stays_local(home: Path) -> None:
    async with stand(home, change=cap_of("0.000001")) as it:  # type: ignore[arg-type]
        with pytest.raises(CostCapExceeded, match=r"agents\.writer\.max_cost_usd"):
            await ask(it.core, prompt("draft a post about rain", agent="writer"))
        assert it.rows() == []
    async with stand(home, change=cap_of("0.000001", "prefer-cloud")) as it:  # type: ignore[arg-type]
        _, outcome = await ask(it.core, prompt("draft a post about rain", agent="writer"))
        assert it.gemini.usage.counts()["requests"] == {}
    assert outcome.engine == "local"
    assert "ceiling" in {reason.rule for reason in outcome.reasons}


ROOM = Headroom(left_usd=Decimal(1), unspent_usd=Decimal(1), on_exceeded="local", scope="all")


@given(st.integers(0, 4000), st.integers(0, 4000), st.integers(1, 400), st.none() | st.integers(0, 3000))
def test_what_a_budget_leaves_fits_it_or_is_the_whole_call(
    left: int, in_flight: int, useful: int, thinking: int | None
) -> None:
    call = replace(CALL, thinking_budget=thinking)
    unspent = left + in_flight
    room = replace(ROOM, left_usd=Decimal(left), unspent_usd=Decimal(unspent))
    made, note = within_budget(call, room, worst=worst, useful=useful)
    assert bool(note) == (made != call)
    if made != call:
        assert worst(call) > left
        assert worst(made) <= unspent
        assert made.max_output >= min(call.max_output, SPENT_TIMES * useful)
    if worst(call) <= unspent:  # waiting helps: nothing that matters is taken
        assert made.thinking_budget == thinking
        assert made.max_output >= min(call.max_output, HELD_TIMES * useful)
        assert made == call or worst(made) <= left


def test_without_a_budget_a_call_stays_as_it_is() -> None:
    assert within_budget(CALL, NOT_LIMITED, worst=worst, useful=300) == (CALL, "")
