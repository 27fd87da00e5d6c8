"""Bills as Google and spreadsheets write them; and what is none is one line."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import ClawError, WrongUse
from backends.ledger.billing import BillLine, kind_of, model_of, read

D = Decimal
HEADER = "Project ID,Service description,SKU description,Usage start date,Usage end date,Usage amount,Usage unit,"
INPUT = "Generate content input token count gemini 2.5 flash short input text"
OUTPUT = "Generate content output token count gemini 2.5 flash short input text"

PLAIN = f"""Invoice number,12345
Billing account ID,ABCDEF-123456-ABCDEF
Currency,USD

{HEADER}Unrounded Cost ($),Cost ($)
p,Gemini API,{INPUT},2026-11-02,2026-11-02,"1,000,000",count,0.30,0.3
p,Gemini API,{OUTPUT},2026-11-02,2026-11-02,2000,count,0.005,0.01
p,Compute Engine,N2 Instance Core,2026-11-02,2026-11-02,3,hour,7.50,7.5
,,Total,,,,,7.805,7.81
"""

LINES = (
    BillLine(
        day=date(2026, 11, 2), sku=INPUT, model="gemini-2.5-flash", kind="input", tokens=D(1_000_000), cost=D("0.30")
    ),
    BillLine(
        day=date(2026, 11, 2), sku=OUTPUT, model="gemini-2.5-flash", kind="output", tokens=D(2000), cost=D("0.005")
    ),
)

GERMAN = f"""Project ID;Cost;Usage start date;SKU description;Service description;Usage amount
p;0,30;02.11.2026;{INPUT};Gemini API;1.000.000
p;0,005;02.11.2026;{OUTPUT};Gemini API;2.000
p;7,50;02.11.2026;N2 Instance Core;Compute Engine;3
"""


def test_the_cost_table_as_it_is_downloaded() -> None:
    bill = read(PLAIN.encode())
    assert (bill.currency, bill.rounded) == ("USD", False)
    assert bill.lines == LINES
    assert bill.elsewhere == D("15.305")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        GERMAN.encode(),
        GERMAN.replace(";", "\t").encode("utf-16"),
    ],
)
def test_other_encodings_orders_and_separators_say_the_same(data: bytes) -> None:
    assert read(data).lines == LINES


def test_millions_as_a_unit_and_a_file_without_amounts() -> None:
    millions = f"{HEADER}Cost ($)\np,Gemini API,{INPUT},2026-11-02,,0.5,million tokens,0.15\n"
    (line,) = read(millions.encode()).lines
    assert line.tokens == D(500_000)
    bare = f"SKU,Usage start date,Cost (€)\n{INPUT},2026-11-02,0.15\n"
    bill = read(bare.encode())
    assert (bill.lines[0].tokens, bill.currency, bill.rounded) == (None, "EUR", True)


@pytest.mark.parametrize(
    ("sku", "model", "kind"),
    [
        (INPUT, "gemini-2.5-flash", "input"),
        (OUTPUT, "gemini-2.5-flash", "output"),
        ("Generate content cached input token count gemini 2.5 pro long input text", "gemini-2.5-pro", "cached"),
        ("Generate_content cached text input token count for gemini 3 flash", "gemini-3-flash", "cached"),
        ("Generate content output token count gemini 3.5 flash lite text", "gemini-3.5-flash-lite", "output"),
        ("Gemini 3.8 Flash Global Text Input", "gemini-3.8-flash", "input"),
        ("Gemini 3.8 Flash Text Input Caching Storage", "gemini-3.8-flash", "other"),
        ("Grounding with Google Search on Gemini 3 Pro", "gemini-3-pro", "other"),
        ("EmbedContent input token count for gemini-embedding-001", "gemini-embedding-001", "input"),
        ("Gemini promotional credit", "", "other"),
        ("N2 Instance Core", "", "other"),
    ],
)
def test_skus_are_read(sku: str, model: str, kind: str) -> None:
    assert (model_of(sku), kind_of(sku)) == (model, kind)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "no header with 'SKU description'"),
        (b"name,age\nada,36\n", "no header with 'SKU description'"),
        (b"SKU description,Usage start date\nx,2026-11-02\n", "no column 'Cost"),
        (b"SKU description,Cost ($)\nx,1\n", "no column 'Usage start date'"),
        (PLAIN.replace("2026-11-02", "soon").encode(), "'soon' is not a date"),
        (PLAIN.replace("0.30", "lots").encode(), "'lots' is not a number"),
        (PLAIN.replace("0.30", "NaN").encode(), "'NaN' is not a number"),
        (PLAIN.replace("0.30", "1e999999").encode(), "'1e999999' is not a number"),
        (PLAIN.replace("2026-11-02", "9999-12-31").encode(), "'9999-12-31' is not a date"),
        (PLAIN.replace("0.30", "").encode(), "has no cost"),
        (b"\xff\xfe\x00", "neither UTF-8 nor UTF-16"),
        (PLAIN.encode().replace(b"Gemini API", b"\xe4\xff"), "neither UTF-8 nor UTF-16"),
        (b"SKU,Date,Cost,Currency\nx,2026-11-02,1,USD\nx,2026-11-02,1,EUR\n", "mixes currencies (EUR, USD)"),
        (b'SKU,Date,Cost\n"' + b"x" * 200_000 + b'",2026-11-02,1\n', "is not CSV"),
    ],
)
def test_what_is_no_bill_is_one_line_that_says_what_to_do(data: bytes, line: str) -> None:
    with pytest.raises(WrongUse) as error:
        read(data)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (PLAIN[:200] + text).encode("utf-8", "replace"))
)
def test_no_file_whatever_raises_anything_else(data: bytes) -> None:
    try:
        read(data)
    except ClawError as error:
        assert "\n" not in str(error)
