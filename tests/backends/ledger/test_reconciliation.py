"""Each difference between bill and ledger has reasons that add up to it, and the right ones."""

import asyncio
import contextlib
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.commands import main
from backends.ledger import reconciliation
from backends.ledger.billing import Bill, BillLine, Kind
from backends.ledger.prices import GEMINI, Prices, PriceSource
from backends.ledger.reconciliation import reconcile
from backends.ledger.sqlite_connection import connect_read_only
from backends.types import ZERO, Attempt, Tokens
from tests.backends.ledger.samples import COST, MODEL, TOKENS, admission, attempt, opened, outcome, paths

D = Decimal
NOON = datetime(2026, 1, 15, 20, tzinfo=UTC)  # noon in California
DAY = date(2026, 1, 15)
PRICED: dict[Kind, tuple[int, str]] = {"input": (800, "0.30"), "cached": (200, "0.03"), "output": (150, "2.50")}


def line(kind: Kind, tokens: int, usd: str, day: date = DAY) -> BillLine:
    return BillLine(day=day, sku=f"{kind} of {MODEL}", model=MODEL, kind=kind, tokens=D(tokens), cost=D(usd))


def as_booked(calls: int = 1) -> list[BillLine]:
    """What Google asks for so many calls of TOKENS."""
    return [
        line(kind, calls * tokens, f"{calls * tokens * D(rate) / 1_000_000:f}")
        for kind, (tokens, rate) in PRICED.items()
    ]


def ledger(home: Path, *calls: Attempt, charged: Decimal | None = None) -> None:
    async def fill() -> None:
        async with opened(home) as it:
            for number, call in enumerate(calls):
                await it.admit(admission(f"{number}", "5"))
                done = outcome(f"{number}", call, at=NOON)
                await it.settle(done, charged_usd=charged if call.estimated else None)

    asyncio.run(fill())


def compared(
    home: Path, *lines: BillLine, rounded: bool = False, prices: Prices | None = None
) -> reconciliation.ReconciledDay:
    bill = Bill(currency="USD", lines=lines, elsewhere=ZERO, rounded=rounded)
    with contextlib.closing(connect_read_only(paths(home).ledger)) as db:
        (row,) = reconcile(db, bill, prices or Prices({}))
    assert sum((amount for _, amount in row.reasons), ZERO) == row.difference_usd
    return row


def test_a_bill_that_is_right_needs_no_reason(home: Path) -> None:
    ledger(home, attempt(), attempt(), attempt("0", "local", "qwen2.5:14b"))
    row = compared(home, *as_booked(2))
    assert (row.billed_usd, row.booked_usd, row.calls, row.reasons) == (2 * COST, 2 * COST, 2, ())


def test_only_calls_of_engines_that_google_bills_are_on_its_bill(home: Path) -> None:
    ledger(home, attempt(), attempt(engine="lite"), attempt("0.5", "backup"))
    sources = {"cloud": GEMINI, "lite": GEMINI, "backup": PriceSource(base_url="https://openrouter.ai/api/v1")}
    row = compared(home, *as_booked(2), prices=Prices({}, sources))
    assert (row.booked_usd, row.calls, row.reasons) == (2 * COST, 2, ())


def test_calls_beside_claw_and_calls_not_billed_yet(home: Path) -> None:
    ledger(home, attempt(), attempt())
    assert compared(home, *as_booked(3)).reasons == ((reconciliation.OUTSIDE, COST),)
    assert compared(home, *as_booked(1)).reasons == ((reconciliation.MISSING, -COST),)


def test_another_price_is_told_by_its_amount(home: Path) -> None:
    ledger(home, attempt())
    dearer = [line("input", 800, "0.0008"), *as_booked()[1:]]
    assert compared(home, *dearer).reasons == ((reconciliation.PRICES, D("0.00056")),)


def test_what_is_no_call_is_told_apart(home: Path) -> None:
    ledger(home, attempt())
    storage = BillLine(day=DAY, sku="Caching Storage", model=MODEL, kind="other", tokens=D(9), cost=D("0.5"))
    assert compared(home, *as_booked(), storage).reasons == ((reconciliation.OTHER, D("0.5")),)


def test_unreported_calls_explain_no_more_than_they_were_charged(home: Path) -> None:
    guess = attempt("0.0002", estimated=True)
    ledger(home, attempt(), guess, charged=D("0.001"))
    row = compared(home, *as_booked(2))
    assert row.estimated_calls == 1
    assert row.reasons == ((reconciliation.ESTIMATED, COST - D("0.0002")),)
    far = compared(home, *as_booked(5))
    assert dict(far.reasons) == {
        reconciliation.ESTIMATED: D("0.0008"),
        reconciliation.OUTSIDE: 4 * COST - D("0.001"),
    }


def test_cents_are_rounding(home: Path) -> None:
    ledger(home, *(attempt() for _ in range(10)))
    cents = [line(kind, 10 * tokens, "0.00") for kind, (tokens, _) in PRICED.items()]
    row = compared(home, *cents[:2], line("output", 1500, "0.01"), rounded=True)
    assert [reason for reason, _ in row.reasons] == [reconciliation.ROUNDED]


def test_days_are_the_providers_and_others_rows_stay_out(home: Path) -> None:
    ledger(home, attempt())
    bill = Bill(currency="USD", lines=(line("input", 1, "1", date(2026, 1, 14)),), elsewhere=ZERO, rounded=False)
    with contextlib.closing(connect_read_only(paths(home).ledger)) as db:
        (row,) = reconcile(db, bill, Prices({}))
    assert (row.day, row.calls) == (date(2026, 1, 14), 0)


def test_a_model_nobody_can_price_is_not_explained(home: Path) -> None:
    ledger(home)
    unknown = BillLine(day=DAY, sku="x", model="gemini-99-flash", kind="input", tokens=D(5), cost=D("5"))
    assert compared(home, unknown).reasons == ((reconciliation.UNEXPLAINED, D(5)),)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["input", "cached", "output", "other"]), st.integers(0, 10**6), st.integers(0, 10**6)
        ),
        max_size=6,
    ),
    st.booleans(),
    st.booleans(),
)
def test_reasons_add_up_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[Kind, int, int]], rounded: bool, told: bool
) -> None:
    home = tmp_path_factory.getbasetemp() / "reasons"
    if not home.exists():
        tokens = Tokens(input=300_000, output=900, cached_input=7)
        dear = attempt("0.09", estimated=True)
        ledger(home, attempt(), dear, attempt(COST, tokens=TOKENS + tokens), charged=D("0.2"))
    made = [line(kind, amount, f"{D(micros) / 1_000_000:f}") for kind, amount, micros in lines]
    if not told:
        made = [
            BillLine(day=one.day, sku=one.sku, model=MODEL, kind=one.kind, tokens=None, cost=one.cost) for one in made
        ]
    if made:
        compared(home, *made, rounded=rounded)


BILL = """SKU description,Usage start date,Usage amount,Cost ($)
Generate content input token count gemini 3.5 flash lite short input text,2026-01-15,800,0.00024
Generate content cached input token count gemini 3.5 flash lite short input text,2026-01-15,200,0.000006
Generate content output token count gemini 3.5 flash lite short input text,2026-01-15,650,0.001625
"""


def test_the_command_as_a_table_and_as_json(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger(home, attempt())
    file = tmp_path / "bill.csv"
    file.write_text(BILL)
    assert main(["ledger", "reconcile", str(file)]) == 0
    said = capsys.readouterr().out
    assert "2026-01-15 gemini-3.5-flash-lite: $0.001250 calls that did not go through claw" in said
    assert main(["ledger", "reconcile", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["difference_usd"] == "0.001250"
    (reason,) = found["rows"][0]["reasons"]
    assert (reason["reason"], Decimal(reason["usd"])) == (reconciliation.OUTSIDE, D("0.00125"))


def test_a_bill_goes_by_the_model_that_answered(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for an old model's name, billed under its successor's: nothing is left to explain."""
    ledger(
        home, attempt(model_asked="gemini-2.5-flash"), attempt("0.001", model_asked="gemini-2.5-flash", estimated=True)
    )
    file = tmp_path / "bill.csv"
    file.write_text(BILL.replace("650,0.001625", "150,0.000375"))
    assert main(["ledger", "reconcile", str(file), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["model"] == "gemini-3.5-flash-lite"
    assert [reason["reason"] for reason in row["reasons"]] == [reconciliation.ESTIMATED]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "cannot be read"),
        (BILL.replace("Cost ($)", "Price"), "no column 'Cost ($)'"),
        (BILL.replace("($)", "(INR)"), "the bill is in INR: set money.currency"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, line: str
) -> None:
    ledger(home)
    file = tmp_path / "bill.csv"
    if text is not None:
        file.write_text(text)
    assert main(["ledger", "reconcile", str(file)]) == 2
    assert line in capsys.readouterr().err


def test_nobody_waits_for_a_bill_that_is_no_file(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger(home)
    os.mkfifo(tmp_path / "bill.csv")
    for path in (tmp_path / "bill.csv", Path("/dev/zero")):
        assert main(["ledger", "reconcile", str(path)]) == 2
        assert "is no regular file" in capsys.readouterr().err


def test_a_bill_in_the_operators_currency_is_converted(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger(home, attempt())
    home.joinpath("claw.toml").write_text('[money]\ncurrency = "EUR"\nrate = "0.5"\n')
    file = tmp_path / "bill.csv"
    file.write_text(BILL.replace("($)", "(€)"))
    assert main(["ledger", "reconcile", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["billed_usd"] == "0.003742"


def test_a_file_of_other_services_is_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger(home)
    file = tmp_path / "bill.csv"
    file.write_text("SKU,Service,Usage start date,Cost ($)\nN2 Core,Compute Engine,2026-01-15,3\n")
    assert main(["ledger", "reconcile", str(file)]) == 0
    assert "no charges for Gemini models" in capsys.readouterr().out
