"""Phone numbers in each country's own form, without a word beside them; and what only looks like one."""

from typing import Any

import pytest

from backends.privacy.detectors.phones import find
from backends.privacy.redact import merged
from backends.privacy.text_window import TextWindow


def found(text: str) -> list[str]:
    return [text[start:end] for _, start, end in merged(find(TextWindow(text)))]


ALONE = {
    "US": ("(212) 867-5309", "212-867-5309", "212.867.5309", "212 867 5309", "1-212-867-5309", "(212)867-5309x4417"),
    "US with an extension": ("+1-212-867-5309x44170", "001-212-867-5309", "212-867-5309 ext. 12"),
    "GB": ("020 7123 4567", "07911 223344", "(0117) 498 2231", "+44 (0)20 7123 4567", "079 2718 4455"),
    "AU": ("0412 345 678", "(02) 8123 4567", "07 3123 4567"),
    "DE": ("0221 / 47 11 29", "0170/4711290", "(0221) 471129", "030/4711290", "0170 4711290"),
    "AT": ("0680 298 71 63", "0664 4711290"),
    "CH": ("044 312 45 67", "+41 (0)79 312 45 67"),
    "FR": ("06 41 22 73 14", "03.41.22.73.14", "01-41-22-73-14"),
    "BE": ("0494 81 72 63",),
    "IT": ("02 4711290", "0961-7594217"),
    "NL": ("020-4711290", "06-41227314", "0341-471129"),
    "SE": ("08-471 12 90", "070-471 12 90"),
    "HR": ("048 631 709",),
    "HU": ("(37) 788-163", "06 20 471 1290"),
    "RU": ("8 (912) 347-65-89", "8 912 347-65-89"),
    "TR": ("0532 471 12 90", "(0212) 471 12 90"),
    "BR": ("(11) 94711-2903", "11 94711-2903"),
    "ZA": ("082 471 1290",),
    "JP": ("090-4711-2903",),
}


@pytest.mark.parametrize("country", ALONE)
def test_a_number_in_its_countrys_form_needs_no_word(country: str) -> None:
    for number in ALONE[country]:
        assert found(f"I wrote down {number}, ask her") == [number]
        assert found(f"{number}\n") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "They are not answering at 78 651 453",
        "not answering at 99 668471",
        "the code did not come to my registered 668 5703",
        "Mobile: 432 03 161",
        "Desk: 5403926871",
        "mobile: 99 577451",
        "call me at 71-33-52-21",
        "3660170541-Fax",
        "516 466 631 (mobile)",
    ],
)
def test_a_short_number_counts_directly_beside_the_word(text: str) -> None:
    assert len(found(text)) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "516 466 638 people, 12 345 678 rows and 1 234 567 890 bytes",
        "released 2026-11-30 12:24:00, built 01-02-2026 or 30.11.2026",
        "python 3.11.7, 203.0.113.45, v0.12.345.678",
        "ISBN 978-3-16-148410-0 and ISBN 0-306-40615-2, ISSN 2049-3630",
        "order number 212-867-5309, ticket 0412 345 678",
        "00000190  02 00 00 00 06 00 00 00  40 34 02 00 00 00 00 00  |........|",
        "0075 0308 0300 ; [.2217.0024.0002] # WITH DIAERESIS",
        "  0412 345 678 901\n  0413 355 679 902",
        "ports 8000-8010, lines 120-240, pages (1998) 344-351",
        "$212 867 5309, €0412 345 678, 44%",
        "uuid 0412-3456-7890-1234-5678",
        "1764058704 and 1764058704123 are seconds and milliseconds",
        "my driver's license number is 2270-66-1559",
        "at /var/0412/345/678 and a=0412-345-678",
        "(555) 555-0142 is for films",
        "grep -n '0412 345 678 0412'",
    ],
)
def test_other_numbers_are_no_phones(text: str) -> None:
    assert found(text) == []


REGIONS = """CA GB IE AU NZ DE AT CH FR BE NL LU ES PT IT SE NO DK FI IS PL CZ SK HU RO BG HR SI RS GR TR RU UA IL ZA IN
PK JP KR CN TW HK SG MY TH ID PH VN BR AR CL CO MX PE EG NG KE SA AE EE LV"""


@pytest.mark.parametrize("region", REGIONS.split())
def test_the_numbers_of_the_reference_are_found(region: str) -> None:
    """phonenumbers is Google's table of all numbering plans. In the national form a word stands beside them."""
    plans: Any = pytest.importorskip("phonenumbers")
    number = plans.example_number_for_type(region, plans.PhoneNumberType.MOBILE)
    international = plans.format_number(number, plans.PhoneNumberFormat.INTERNATIONAL)
    national = plans.format_number(number, plans.PhoneNumberFormat.NATIONAL)
    assert found(f"so {international}, ok") == [international]
    assert found(f"tel. {national} ok") != []
