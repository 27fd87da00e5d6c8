from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.rehearsal import account as module
from backends.rehearsal.account import Account

COUNTS = st.integers(0, 2_000_000)


@given(input_=COUNTS, output=COUNTS, thinking=COUNTS, share=st.floats(0, 1))
def test_a_flash_call_costs_its_list_price_to_the_last_digit(
    input_: int, output: int, thinking: int, share: float
) -> None:
    account = Account(provider="google")
    call = account.begin("stream", "gemini-3.5-flash-lite")
    call.input, call.output, call.thinking, call.cached = input_, output, thinking, int(input_ * share)
    account.end(call, "finished")

    cents_a_million = (call.input - call.cached) * 30 + (output + thinking) * 250 + call.cached * 3
    assert account.usd == call.usd == Decimal(cents_a_million) / 100 / 1_000_000


def test_money_is_summed_without_rounding() -> None:
    account = Account(provider="google")
    for output in (1, 2, 3):
        call = account.begin("stream", "gemini-3.5-flash-lite")
        call.output = output
        account.end(call, "finished")

    assert account.usd == Decimal("0.000015")
    assert account.counts()["usd"] == "0.0000150"


@pytest.mark.parametrize("how", ["aborted", "cut", "finished"])
def test_what_was_made_is_billed_however_it_ended(how: module.End) -> None:
    account = Account(provider="google")
    call = account.begin("stream", "gemini-3.5-flash-lite")
    call.input, call.output = 100, 10
    account.end(call, how)
    account.end(call, "finished")

    assert account.usd == Decimal("0.000055")
    assert account.ends == {how: 1}
    assert account.open == 0


def test_a_refused_call_costs_nothing() -> None:
    account = Account(provider="google")
    call = account.begin("stream", "gemini-3.5-flash-lite")
    call.input = 100
    account.end(call, "refused", status=429)

    assert (call.input, call.status) == (0, 429)
    assert not account.usd


def test_without_a_price_nothing_is_asked() -> None:
    for account, model in ((Account(provider=None), "qwen2.5:14b"), (Account(provider="google"), "no-such-model")):
        call = account.begin("chat", model)
        call.input = 1_000
        account.end(call, "finished")
        assert account.usd == 0
        assert account.tokens["input"] == 1_000


def test_old_calls_go_but_stay_in_the_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_CALLS", 5)
    account = Account(provider=None)
    for _ in range(8):
        call = account.begin("chat", "qwen2.5:14b")
        call.output = 2
        account.end(call, "finished")

    assert [call.id for call in account.calls] == [f"call-{n}" for n in range(4, 9)]
    counts = account.counts(calls=2)
    assert counts["calls"] == {"finished": 8}
    assert counts["tokens"]["output"] == 16
    assert [record["id"] for record in counts["records"]] == ["call-7", "call-8"]
    assert account.counts(calls=0)["records"] == []


def test_a_reset_begins_anew() -> None:
    account = Account(provider=None)
    running = account.begin("chat", "qwen2.5:14b")
    account.reset()
    assert account.counts()["calls"] == {}
    account.end(running, "finished")
    assert account.open == 0
