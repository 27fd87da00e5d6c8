"""Numbers, quantities, dates and times of day in a text, each in one canonical spelling.

"two weeks" and "14 days" are one quantity, "3 pm" and "15:00" one time, "1 March 2026" and "2026-03-01" one date,
"weekly" and "every 7 days" one frequency.
"""

import re
from collections import Counter
from typing import NamedTuple


def _counted(words: str, start: int = 1, step: int = 1) -> dict[str, int]:
    return {word: start + step * index for index, word in enumerate(words.split())}


_ONES = _counted(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
    start=0,
)
_TENS = _counted("twenty thirty forty fifty sixty seventy eighty ninety", start=20, step=10)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_ORDINALS = _counted("first second third fourth fifth sixth seventh eighth ninth tenth")
_MULTIPLES = {"once": 1, "twice": 2, "double": 2, "triple": 3, "half": 0.5, "quarter": 0.25, "dozen": 12}

_FREQUENCIES: dict[str, str] = {
    "hourly": "3600 s", "daily": "86400 s", "nightly": "86400 s", "weekly": "604800 s", "biweekly": "1209600 s",
    "monthly": "1 month", "quarterly": "3 month", "yearly": "12 month", "annual": "12 month", "annually": "12 month",
}  # fmt: skip

NUMBER_WORDS = frozenset({*_ONES, *_TENS, *_SCALES, *_ORDINALS, *_MULTIPLES, *_FREQUENCIES})
_EVERY = ("every", "each", "per")
LOOSE = frozenset({"1", "0.5", "0.25"})
"""Values whose words often count nothing: "one of them", "at once", "first of all", "half done"."""

_UNITS: dict[str, tuple[str, float]] = {
    unit: (dimension, factor)
    for dimension, factor, names in (
        ("s", 1e-9, "ns nanosecond"),
        ("s", 1e-6, "us µs microsecond"),
        ("s", 1e-3, "ms millisecond msec"),
        ("s", 1.0, "s sec second"),
        ("s", 60.0, "min minute"),
        ("s", 3600.0, "h hr hour"),
        ("s", 86400.0, "day"),
        ("s", 604800.0, "week"),
        ("s", 1209600.0, "fortnight"),
        ("month", 1.0, "month"),
        ("month", 3.0, "quarter"),
        ("month", 12.0, "year yr"),
        ("month", 120.0, "decade"),
        ("byte", 1.0, "byte"),
        ("byte", 1e3, "kb kilobyte"),
        ("byte", 1e6, "mb megabyte"),
        ("byte", 1e9, "gb gigabyte gig"),
        ("byte", 1e12, "tb terabyte"),
        ("byte", 1024.0, "kib"),
        ("byte", 1024.0**2, "mib"),
        ("byte", 1024.0**3, "gib"),
        ("byte", 0.125, "bit"),
        ("byte", 125.0, "kbit kilobit"),
        ("byte", 125e3, "mbit megabit"),
        ("byte", 125e6, "gbit gigabit"),
        ("metre", 1.0, "meter metre"),
        ("metre", 1e3, "km kilometer kilometre"),
        ("metre", 0.01, "cm centimeter centimetre"),
        ("metre", 0.001, "mm millimeter millimetre"),
        ("metre", 1609.344, "mile mi"),
        ("metre", 0.3048, "foot feet ft"),
        ("gram", 1.0, "gram"),
        ("gram", 1e3, "kg kilogram kilo"),
        ("gram", 453.592, "pound lb"),
        ("celsius", 1.0, "celsius"),
        ("fahrenheit", 1.0, "fahrenheit"),
        ("usd", 1.0, "usd dollar $"),
        ("usd", 0.01, "cent"),
        ("eur", 1.0, "eur euro €"),
        ("gbp", 1.0, "gbp £"),
        ("jpy", 1.0, "jpy yen ¥"),
        ("inr", 1.0, "inr rupee ₹"),
        ("percent", 1.0, "percent %"),
        ("watt", 1.0, "watt"),
        ("watt", 1e3, "kw kilowatt"),
        ("token", 1.0, "token"),
    )
    for unit in names.split()
}

_MONTHS = _counted("jan feb mar apr may jun jul aug sep oct nov dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DATES = (
    re.compile(r"\b(?P<year>\d{4})[-/](?P<month>\d\d)[-/](?P<day>\d\d)\b"),
    re.compile(rf"\b{_DAY} (?:of )?{_MONTH}\b(?: ?,? ?(?P<year>\d{{4}})\b)?"),
    re.compile(rf"\b{_MONTH} {_DAY}\b(?: ?,? ?(?P<year>\d{{4}})\b)?"),
)
_TIME = re.compile(r"\b(\d{1,2})(?::(\d\d))? ?(am|pm|a\.m\.|p\.m\.)(?!\w)|\b(\d{1,2}):(\d\d)\b|\b(noon|midnight)\b")
_HOUR = "|".join([*_ONES][1:13])
_PART_OF_DAY = re.compile(
    rf"\b(?:at )?(\d{{1,2}}|{_HOUR})(?: o'?clock)? (?:in the (morning|afternoon|evening)|(at night))\b"
)
_DEIXIS = {"this": 0, "current": 0, "last": -1, "past": -1, "previous": -1, "next": 1, "coming": 1, "following": 1}
_PERIOD = re.compile(
    r"\b(this|current|last|past|previous|next|coming|following) "
    r"(day|week|weekend|month|quarter|year|morning|afternoon|evening|night|hour|minute)(?:'s)?\b"
)
_DAYS = re.compile(
    r"\b(today|tonight|yesterday|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|april|june|july|"
    r"august|september|october|november|december|(?<=in )march|(?<=in )may)(?:'s|s)?\b"
)
_RESPELLED = (
    (re.compile(r"(?<=\d)k\b"), " thousand"),
    (re.compile(r"\bonce (?:a|an|per|every|each) "), "every "),
    (re.compile(r"\bhalf an? "), "half "),
)
_PIECE = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|[%$€£¥₹]")


class TextQuantities(NamedTuple):
    """The numbers, dates and measures of a text, and its other words in order, with numbers split from letters.

    `loose` are the quantities whose absence says little: frequencies, named days and periods ("last week"), and `LOOSE`
    values that are spelled as words.
    """

    quantities: Counter[str]
    words: list[str]
    loose: Counter[str]


def parse_quantities(text: str) -> TextQuantities:
    """Parse `text`, which must be in lower case."""
    found: Counter[str] = Counter()
    loose: Counter[str] = Counter()
    for pattern in _DATES:
        text = pattern.sub(lambda m: _note(found, _date(m)), text)
    text = _TIME.sub(lambda m: _note(found, _time(m)), text)
    text = _PART_OF_DAY.sub(lambda m: _note(found, _time_of_day(m)), text)
    text = _PERIOD.sub(lambda m: _note(loose, f"{m[2]} {_DEIXIS[m[1]]:+}"), text)
    text = _DAYS.sub(lambda m: _note(loose, f"on {m[1]}"), text)
    for pattern, spelled in _RESPELLED:
        text = pattern.sub(spelled, text)
    words = _PIECE.findall(text)
    others: list[str] = []
    index = 0
    while index < len(words):
        if frequency := _FREQUENCIES.get(words[index]):
            loose[f"every {frequency}"] += 1
            index += 1
            continue
        number, used = _number(words, index)
        every = bool(others) and others[-1] in _EVERY
        unit = _unit(words[index + used]) if number is not None and index + used < len(words) else None
        if number is None and every and (unit := _unit(words[index])) and unit[0] in ("s", "month"):
            number, used = "1", 0
        if number is None:
            others.append(words[index])
            index += 1
            continue
        in_letters = words[index][0].isalpha()
        if used and words[index] in _ORDINALS:
            unit = None  # "the first week" is no week
        index += used + (unit is not None)
        if unit is None and others and others[-1] in "$€£¥₹":
            unit = _unit(others.pop())
        if every and unit and unit[0] in ("s", "month"):
            others.pop()
            loose[f"every {_spell(number, unit)}"] += 1
        else:
            (loose if in_letters and number in LOOSE else found)[_spell(number, unit)] += 1
    return TextQuantities(found + loose, others, loose)


def unit_name(word: str) -> str | None:
    """The canonical name of a unit that stands without a number; None if `word` is no unit."""
    unit = _unit(word)
    return f"{unit[0]}*{unit[1]:g}" if unit and len(word) > 1 and word not in ("us", "min", "mi", "sec") else None


def _note(found: Counter[str], spelled: str) -> str:
    found[spelled] += 1
    return " "


def _date(match: re.Match[str]) -> str:
    month = match["month"]
    return f"{match['year'] or '*'}-{_MONTHS.get(month[:3]) or int(month)}-{int(match['day'])}"


def _time(match: re.Match[str]) -> str:
    if match[6]:
        return "at 12:00" if match[6] == "noon" else "at 0:00"
    if match[4]:
        return f"at {int(match[4])}:{match[5]}"
    return f"at {int(match[1]) % 12 + (12 if match[3].startswith('p') else 0)}:{match[2] or '00'}"


def _time_of_day(match: re.Match[str]) -> str:
    hour = int(match[1]) if match[1].isdigit() else _ONES[match[1]]
    return f"at {hour % 12 + (0 if match[2] == 'morning' else 12)}:00"


def _number(words: list[str], index: int) -> tuple[str | None, int]:
    """The number that starts at `index`, as text, and how many words it takes."""
    word = words[index]
    if word[0].isdigit():
        text, scale = word.replace(",", ""), words[index + 1] if index + 1 < len(words) else ""
        if scale in _SCALES and text.replace(".", "", 1).isdigit():
            return f"{float(text) * _SCALES[scale]:.15g}", 2
        return text, 2 if scale in ("st", "nd", "rd", "th") else 1
    if word in _ORDINALS and not (word == "second" and index and words[index - 1] in ("a", "per", "each", "every")):
        return str(_ORDINALS[word]), 1
    if word in _MULTIPLES:
        return f"{_MULTIPLES[word]:g}", 1
    if word == "one" and index and words[index - 1] in ("which", "this", "that", "the", "no", "another"):
        return None, 1
    return _spoken(words, index)


def _spoken(words: list[str], index: int) -> tuple[str | None, int]:
    total = current = used = 0
    if words[index] in ("a", "an") and words[index + 1 : index + 2] and words[index + 1] in ("dozen", *_SCALES):
        return f"{_SCALES.get(words[index + 1], 12)}", 2
    for word in words[index:]:
        if word in _ONES or word in _TENS:
            current += _ONES.get(word, 0) + _TENS.get(word, 0)
        elif word == "hundred" and used:
            current = max(1, current) * 100
        elif word in _SCALES and used:
            total, current = total + max(1, current) * _SCALES[word], 0
        elif not (word == "and" and used and current % 100 == 0 and current):
            break
        used += 1
    if used and words[index + used - 1] == "and":
        used -= 1
    return (str(total + current), used) if used else (None, 1)


def _unit(word: str) -> tuple[str, float] | None:
    return _UNITS.get(word) or (_UNITS.get(word[:-1]) if word.endswith("s") and len(word) > 2 else None)


def _spell(number: str, unit: tuple[str, float] | None) -> str:
    if unit is None:
        return number
    try:
        return f"{float(number) * unit[1]:.12g} {unit[0]}"
    except ValueError:
        return f"{number} {unit[0]}"  # a version number before a unit's name
