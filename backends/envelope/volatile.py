"""Lines that programs write anew for each request: what time it is, which session and process this is, where it runs.

Only in what a program wrote (a system prompt, a block around the question); a user's own times are part of the ask.
"""

import re
from collections.abc import Iterator, Sequence

from backends.types import SpanKind

Mark = tuple[int, int, SpanKind]
"""Start, end, and what stands there."""

LONGEST, LONGEST_RUNTIME = 400, 3_200
"""Characters of a line that is looked at, and of one of `key=value`; a longer one is prose."""

SIGNS = ("20", "=", "ession", "ID", "Id", "ime:")
"""What a line has that may say when, or in which run. Each is a search of the whole text, of some 25 µs in 48 kB."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DATE = re.compile(
    r"""(?xi)
    \b(?: mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun )(?:day)?\b\.?,?
    | \b(?: jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?
      | nov(?:ember)?|dec(?:ember)? )\b\.?
    | \d{4}-\d\d-\d\d (?: [T\ ] \d\d:\d\d (?: :\d\d (?: [.,]\d+ )? )? )? (?: \s?Z\b | \s?[+-]\d\d:?\d\d\b )?
    | \b\d{1,4}[/.]\d{1,2}[/.]\d{2,4}\b
    | \b\d{1,2}:\d\d (?: :\d\d (?: [.,]\d+ )? )? (?: \s?[ap]\.?m\b\.? )?
    | \b(?: UTC|GMT|CES?T|[ECMP][SD]T|AM|PM )\b (?: \s?[+-]\d{1,2}(?: :?\d\d)? )?
    | [+-]\d{1,2}:\d\d\b
    | \b(?: Etc|Europe|America|Asia|Africa|Australia|Pacific|Atlantic )/[A-Za-z_/]+
    | \b\d{1,2}(?: st|nd|rd|th )?\b,?
    | \b20\d\d\b
    | \bISO\ 8601\b
    | </?[\w-]+>
    """
)
"""One piece of a date or a time."""

AROUND = _words(
    "a an the is it it's was at as of on in for from to now current currently today today's date time "
    "datetime timestamp local system utc timezone zone user's user your generated updated started sent "
    "week day year month last this message received formatted according locale format moment reference"
)
"""Words that may stand beside a time in a line that only says what time it is."""

NOW = re.compile(r"\b(?:current(?:ly)?|today(?:'s)?|now|timestamp)\b|\d:\d\d:\d\d", re.IGNORECASE)
CLOCK = re.compile(r"\d:\d\d|20\d\d|\d[/.]\d+[/.]\d")
WORD = re.compile(r"[^\W\d_][\w']*")

LABEL = re.compile(r"^[\s\-*•#>]*(?:<)?[*_`]{0,2}(?P<label>[A-Za-z][\w .'/-]{1,40}?)[*_`]{0,2}\s*(?:[:=]|>)", re.ASCII)
IDS = _words("id key pid uuid")
OF_A_RUN = _words("session conversation chat thread turn request message process trace correlation")
PLACES = _words("cwd platform shell os timezone locale host hostname arch workspace directory kernel terminal folder")

PAIR = re.compile(r"(?:^|[\s|,;])([A-Za-z][\w.-]{0,40})=\S")
SESSION_KEYS = _words("session sessionid session_id sessionkey threadid thread_id conversation pid runid run_id")
RUNTIME_KEYS = _words(
    "session sessionid session_id sessionkey host hostname os node model shell pid cwd repo agent version "
    "channel thread time date tz timezone arch platform uptime provider branch user"
)


def is_time(text: str) -> bool:
    """Does it say what time it is, and nothing else?"""
    if len(text) > LONGEST or CLOCK.search(text) is None:
        return False
    rest = DATE.sub(" ", text)
    return all(word.lower() in AROUND for word in WORD.findall(rest)) and not any(map(str.isdigit, rest))


def says_now(text: str) -> bool:
    """Does it say that the time is now, rather than name one?"""
    return NOW.search(text) is not None


def is_runtime(line: str) -> bool:
    """Is it a line of `key=value` that describes the process, with its session or under that name?"""
    if line.count("=") < 3 or len(line) > LONGEST_RUNTIME:
        return False
    keys = [key.lower() for key in PAIR.findall(line)]
    if len(keys) < 3 or len(RUNTIME_KEYS.intersection(keys)) < 2:
        return False
    return bool(SESSION_KEYS.intersection(keys)) or line.lstrip().lower().startswith("runtime:")


def kind_of_line(line: str) -> SpanKind | None:
    """What a line of a program says: the time, which run this is, where it runs; None for any other line."""
    if len(line) > LONGEST:
        return "runtime" if is_runtime(line) else None
    if is_time(line):
        return "timestamp"
    found = LABEL.match(line)
    if found is None:
        return "runtime" if "=" in line and is_runtime(line) else None
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z']+|[A-Z]+", found["label"])]
    named = frozenset(words)
    if is_runtime(line) or (named & IDS and named & OF_A_RUN):
        return "runtime"
    return "environment" if len(words) <= 3 and named & PLACES else None


def volatile(text: str, start: int, end: int) -> Iterator[Mark]:
    """The lines of a stretch that are different in each request, in order."""
    for line, stop in lines_with(text, start, end, SIGNS):
        kind = kind_of_line(text[line:stop]) if stop - line <= LONGEST_RUNTIME else None
        if kind in ("timestamp", "runtime"):
            yield line, stop, kind


def lines_with(text: str, start: int, end: int, signs: Sequence[str]) -> list[tuple[int, int]]:
    """The lines of a stretch that have one of some signs, in order: a few searches are faster than a look at each."""
    found: dict[int, int] = {}
    for sign in signs:
        place = text.find(sign, start, end)
        while place >= 0:
            line = max(start, text.rfind("\n", start, place) + 1)
            stop = text.find("\n", place, end)
            stop = end if stop < 0 else stop
            found[line] = stop
            place = text.find(sign, stop, end)
    return sorted(found.items())
