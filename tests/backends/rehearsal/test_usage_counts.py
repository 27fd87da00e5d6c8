from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.rehearsal import usage_counts as module
from backends.rehearsal.usage_counts import UsageCounts

COUNTS = st.integers(0, 2_000_000)


@given(input_=COUNTS, output=COUNTS, thinking=COUNTS, share=st.floats(0, 1))
def test_a_flash_call_costs_its_list_price_to_the_last_digit(
    input_: int, output: int, thinking: int, share: float
) -> None:
    usage = UsageCounts(provider="google")
    call = usage.begin("stream", "gemini-3.5-flash-lite")
    call.input, call.output, call.thinking, call.cached = input_, output, thinking, int(input_ * share)
    usage.end(call, "finished")

    cents_a_million = (call.input - call.cached) * 30 + (output + thinking) * 250 + call.cached * 3
    assert usage.usd == call.usd == Decimal(cents_a_million) / 100 / 1_000_000


def test_money_is_summed_without_rounding() -> None:
    usage = UsageCounts(provider="google")
    for output in (1, 2, 3):
        call = usage.begin("stream", "gemini-3.5-flash-lite")
        call.output = output
        usage.end(call, "finished")

    assert usage.usd == Decimal("0.000015")
    assert usage.counts()["usd"] == "0.0000150"


@pytest.mark.parametrize("how", ["aborted", "cut", "finished"])
def test_what_was_made_is_billed_however_it_ended(how: module.End) -> None:
    usage = UsageCounts(provider="google")
    call = usage.begin("stream", "gemini-3.5-flash-lite")
    call.input, call.output = 100, 10
    usage.end(call, how)
    usage.end(call, "finished")

    assert usage.usd == Decimal("0.000055")
    assert usage.ends == {how: 1}
    assert usage.open == 0


def test_a_refused_call_costs_nothing() -> None:
    usage = UsageCounts(provider="google")
    call = usage.begin("stream", "gemini-3.5-flash-lite")
    call.input = 100
    usage.end(call, "refused", status=429)

    assert (call.input, call.status) == (0, 429)
    assert not usage.usd


def test_without_a_price_nothing_is_asked() -> None:
    for usage, model in (
        (UsageCounts(provider=None), "qwen2.5:14b"),
        (UsageCounts(provider="google"), "no-such-model"),
    ):
        call = usage.begin("chat", model)
        call.input = 1_000
        usage.end(call, "finished")
        assert usage.usd == 0
        assert usage.tokens["input"] == 1_000


def test_old_calls_go_but_stay_in_the_totals() -> None:
    usage = UsageCounts(provider=None, kept_calls=5)
    for _ in range(8):
        call = usage.begin("chat", "qwen2.5:14b")
        call.output = 2
        usage.end(call, "finished")

    assert [call.id for call in usage.calls] == [f"call-{n}" for n in range(4, 9)]
    counts = usage.counts(calls=2)
    assert counts["calls"] == {"finished": 8}
    assert counts["tokens"]["output"] == 16
    assert [record["id"] for record in counts["records"]] == ["call-7", "call-8"]
    assert usage.counts(calls=0)["records"] == []


def test_a_reset_begins_anew() -> None:
    usage = UsageCounts(provider=None)
    running = usage.begin("chat", "qwen2.5:14b")
    usage.reset()
    assert usage.counts()["calls"] == {}
    usage.end(running, "finished")
    assert usage.open == 0
