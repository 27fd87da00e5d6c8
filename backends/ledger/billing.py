"""Google Cloud's billing export: the cost table of Cloud Billing as CSV, downloaded or saved by a spreadsheet.

Lines above the header, the order of the columns, BOM, UTF-16, semicolons, tabs and decimal commas are all taken. What
is missing is named in one line.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from msgspec import Struct

from backends.errors import WrongUse

Kind = Literal["input", "cached", "output", "other"]

LARGEST_B = 256 * 1024 * 1024
HEADER_WITHIN = 60  # lines of invoice number, dates and totals that may come first

COLUMNS = {
    "day": ("usage start date", "usage start time", "start date", "date", "day"),
    "sku": ("sku description", "sku", "sku name"),
    "cost": ("unrounded cost", "cost", "subtotal", "cost at list"),
    "amount": ("usage amount", "usage", "pricing quantity"),
    "unit": ("usage unit", "unit", "pricing unit"),
    "service": ("service description", "service"),
    "currency": ("currency", "currency code"),
}
NEEDED = {"sku": "SKU description", "cost": "Cost ($)", "day": "Usage start date"}
DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d.%m.%Y", "%b %d, %Y")
YEARS = range(1970, 2200)
DIGITS = 15  # before the decimal point, and twice as many after it, of any credible cost or count
SIGNS = {"$": "USD", "us$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}


class BillLine(Struct, frozen=True, kw_only=True):
    """One SKU on one day. `tokens` is None where the file has no amount; `model` is "" where the SKU names none."""

    day: date
    sku: str
    model: str
    kind: Kind
    tokens: Decimal | None
    cost: Decimal


class Bill(Struct, frozen=True, kw_only=True):
    """`elsewhere` is the cost of other services and of lines without a day (taxes, totals)."""

    currency: str
    lines: tuple[BillLine, ...]
    elsewhere: Decimal
    rounded: bool


def read(data: bytes) -> Bill:
    """Raises WrongUse for a file that is no text or no cost table, or has a number or a day that cannot be read."""
    text = _text(data)
    above, header, rows, delimiter = _table(text)
    places = _places(header)
    if missing := [name for key, name in NEEDED.items() if key not in places]:
        raise WrongUse(
            f"the file has no column {', '.join(repr(name) for name in missing)}:"
            " download the cost table of Cloud Billing as CSV, with usage by day"
        )
    cells = [row for row in rows if len(row) > max(places.values())]
    comma = delimiter != "," and any("," in row[places["cost"]] for row in cells)
    lines, elsewhere = [], Decimal(0)
    for row in cells:
        line = _line(row, places, comma)
        if line is None:
            elsewhere += _number(row[places["cost"]], comma) or Decimal(0)
        else:
            lines.append(line)
    return Bill(
        currency=_currency(above, header, cells, places),
        lines=tuple(lines),
        elsewhere=elsewhere,
        rounded=not _named(header[places["cost"]]).startswith("unrounded"),
    )


def model_of(sku: str) -> str:
    """The model that a SKU is about, as the API names it ("gemini-2.5-flash-lite"); "" for none."""
    words = sku.lower().replace("_", " ")
    found = re.search(r"gemini[- ](embedding[- ]\d+|\d+(?:\.\d+)?[- ](?:flash|pro|ultra|nano)(?:[- ]lite)?)", words)
    return f"gemini-{found[1]}".replace(" ", "-") if found else ""


def kind_of(sku: str) -> Kind:
    words = sku.lower()
    if "storage" in words or "search" in words or "grounding" in words or "audio" in words:
        return "other"
    if "cached" in words or "caching" in words:
        return "cached"
    # The length of the prompt is part of some names: "output token count … short input text".
    found = re.search(r"(input|output)[ _]token|\b(input|output)\b", words)
    name = next((part for part in found.groups() if part), "") if found else ""
    return "output" if name == "output" else "input" if name == "input" else "other"


def _line(row: Sequence[str], places: dict[str, int], comma: bool) -> BillLine | None:
    """None for a line that is not the cost of a model on a day."""
    sku, day = row[places["sku"]].strip(), _day(row[places["day"]])
    service = row[places["service"]].lower() if "service" in places else ""
    model = model_of(sku)
    counted = model or any(word in service for word in ("gemini", "generative language"))
    if day is None or not counted:
        return None
    cost = _number(row[places["cost"]], comma)
    if cost is None:
        raise WrongUse(f"the line of {day} for {sku[:60]!r} has no cost: download the file again")
    amount = _number(row[places["amount"]], comma) if "amount" in places else None
    unit = row[places["unit"]].lower() if "unit" in places else ""
    if amount is not None and "million" in unit:
        amount *= 1_000_000
    return BillLine(day=day, sku=sku, model=model, kind=kind_of(sku), tokens=amount, cost=cost)


def _text(data: bytes) -> str:
    if len(data) > LARGEST_B:
        raise WrongUse("the file is larger than 256 MiB: export fewer days at once")
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:400]
    try:
        if wide and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16-le" if data[1:2] == b"\x00" else "utf-16-be")
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise WrongUse("the file is neither UTF-8 nor UTF-16 text: export it again as CSV, in UTF-8") from None


def _table(text: str) -> tuple[list[list[str]], list[str], list[list[str]], str]:
    """Lines above the header, the header, the rows below it, and what separates cells."""
    best: tuple[int, int, str] | None = None
    head = text.splitlines()[:HEADER_WITHIN]
    for delimiter in (",", ";", "\t"):
        for number, cells in enumerate(_rows("\n".join(head), delimiter)):
            score = len(_places(cells))
            if score >= 2 and (best is None or score > best[0]):
                best = score, number, delimiter
    if best is None:
        raise WrongUse(
            "the file has no header with 'SKU description', 'Usage start date' and 'Cost ($)':"
            " download the cost table of Cloud Billing as CSV"
        )
    _, number, delimiter = best
    rows = list(_rows(text, delimiter))
    return rows[:number], rows[number], rows[number + 1 :], delimiter


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text), delimiter=delimiter)
    except csv.Error as error:
        raise WrongUse(f"the file is not CSV ({error}): export it again") from None


def _places(header: Sequence[str]) -> dict[str, int]:
    """The index of each column. Where several names of COLUMNS fit, the first counts."""
    names = [_named(cell) for cell in header]
    found = {}
    for key, known in COLUMNS.items():
        place = next((names.index(name) for name in known if name in names), None)
        if place is not None:
            found[key] = place
    return found


def _named(cell: str) -> str:
    """A column's name without its currency: "Unrounded Cost ($)" is "unrounded cost"."""
    return re.sub(r"\s*\([^)]*\)\s*$", "", cell.strip().lower().replace("_", " "))


def _currency(
    above: Sequence[Sequence[str]], header: Sequence[str], rows: Sequence[Sequence[str]], places: dict[str, int]
) -> str:
    if "currency" in places:
        named = {row[places["currency"]].strip().upper() for row in rows} - {""}
        if len(named) > 1:
            raise WrongUse(f"the file mixes currencies ({', '.join(sorted(named))}): export one billing account")
        if named:
            return named.pop()
    for row in above:
        if len(row) > 1 and row[0].strip().lower() == "currency" and row[1].strip():
            return row[1].strip().upper()
    sign = re.search(r"\(([^)]*)\)", header[places["cost"]])
    return SIGNS.get(sign[1].strip().lower(), sign[1].strip().upper()) if sign else "USD"


def _day(cell: str) -> date | None:
    text = cell.strip()
    if not text:
        return None
    for pattern in DAYS:
        try:
            day = datetime.strptime(text if "," in text else text[:10], pattern).date()  # noqa: DTZ007 — a day alone
        except ValueError:
            continue
        if day.year in YEARS:
            return day
    raise WrongUse(f"{text[:40]!r} is not a date: export the file again, with dates such as 2026-11-24")


def _number(cell: str, comma: bool) -> Decimal | None:
    """`comma`: the file writes 1.234,56; else 1,234.56. None for an empty cell."""
    text = re.sub(r"[\s\u00a0\u202f$€£¥₹']", "", cell)
    if not text:
        return None
    text = text.replace(".", "").replace(",", ".") if comma else text.replace(",", "")
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not -2 * DIGITS <= number.adjusted() <= DIGITS:
        raise WrongUse(f"{cell.strip()[:40]!r} is not a number: export the file again")
    return number
