"""A user's message taken apart: the text that may ask, and what a program put around it."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from backends.envelope.blocks import Block, between_lines, blocks, named
from backends.envelope.clients import Client
from backends.envelope.volatile import CLOCK, LONGEST_RUNTIME, Mark, is_time, kind_of_line, says_now, volatile
from backends.types import VOLATILE, SpanKind

Stretch = tuple[int, int]

RAN_READ = 200
"""Characters of each end of a message that tell whether it is a command's output."""

MOST_TRIMMED = 32
"""Lines and paragraphs that are taken off each end of a text."""

SYSTEMS = re.compile(
    r"\[(?:System|Note|Context|Internal|Reminder|Important|Background|Memory)\b[^\[\]\n]{0,600}\][ \t]*(?=\n)",
    re.IGNORECASE,
)
"""A line in brackets that speaks for the program."""

LABELLED = re.compile(
    r"(?:(?:new|current|latest)(?: user)?|(?:the )?user(?:'s)?)"
    r" (?:task|question|query|request|message|input|prompt):\s*",
    re.IGNORECASE,
)
"""A label before a question."""

EMPTY = re.compile(r"<(?P<name>[A-Za-z][\w-]*)(?:\s[^<>\n]{0,300})?/>|<!--[^<>]{0,400}-->")
"""A tag without content, or a comment."""

HEADED = re.compile(
    r"#{1,4} (?:user )?(?:task|question|request|query|prompt|input|message|instruction)s?:?[ \t]*\n", re.IGNORECASE
)
"""A heading before a question, behind lines of a program's."""

CLOSING = re.compile(
    r"(?:^\[(?:System|Internal|Reminder|Context)\b[^\[\]\n"
    r"]{0,600}\]|^(?:#{1,4} )?(?:Assistant|Response|Answer):|/no_?think)\s*\Z",
    re.IGNORECASE | re.MULTILINE,
)
"""What a program puts behind a question: a note in brackets, the cue for the answer, a switch."""

BRACKET = re.compile(r"\[([^\[\]\n]{4,200})\][ \t]*")
RESULT = re.compile(
    r"\s*(?:\[[\w.-]+(?: for [^\n]{0,300}?)?\] Result:|(?:Observation|OBSERVATION):|EXECUTION RESULT of "
    r"|(?:Tool|Function|Command)(?: call)? (?:result|output)s?\b[^\n]{0,80}:"
    r"|Tool(?: call)? error:|Error:\n[^\0]{0,20000}?\nNow let's retry: )"
)
"""How a program begins that gives tools' results as text."""

RAN = re.compile(r"\s*<(?:returncode|output|stdout|exit_code)>|.*\n[\w.@:~/\[\]()-]{0,60}[$#][ \t]*\Z", re.DOTALL)
"""What a message is that answers a command which the model wrote as text: its output, up to the next shell prompt."""

TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,300}>")

NOTE = re.compile(r"\s*\[[^\[\]]{3,300}\]\s*")
"""A message that is one note in brackets: a program's own, as "[Request interrupted by user]"."""

SPOKEN = re.compile(r"\s*\[(?:SYSTEM|System)\]:?[ \t][^\n]{3,1000}\s*")
"""A message of one line that speaks for the program: how some send a model on that stops too early."""

DATA = re.compile(
    r"[^\n]{0,200}\b(?:metadata|context|information)\b[^\n]{0,120}:?[ \t]*\n```(?:json)?\n.*?\n```[ \t]*(?:\n|\Z)",
    re.DOTALL,
)
"""A line that announces data about the message, and the data in a fence."""

ASKED = re.compile(
    r"^(?:#{1,6}[ \t]+|\[|\*\*)(?:(?:my|current|the|new|latest|user)(?:'s)?[ _]+)+"
    r"(?:request|message|query|question|task|prompt|input)\b[^\n]{0,60}$",
    re.IGNORECASE | re.MULTILINE,
)
"""A heading that says: the question follows."""


class UserText(Struct, frozen=True):
    """`marks` are a program's, in order; `asks` are the stretches that are left, without blanks around them.

    `results`: it holds the results of tools as text.
    """

    marks: tuple[Mark, ...]
    asks: tuple[Stretch, ...]
    results: bool = False


def read(text: str, seams: Sequence[int], client: Client, *, from_program: bool) -> UserText:
    """Take a message apart. `from_program`: the request comes from one, so that its lines may stand around a question;
    a text that comes alone keeps all that no block holds.
    """
    edges = (0, *seams, len(text))
    parts = [part for part in pairwise(edges) if part[0] < part[1]]
    found = [_blocks(text, part, from_program) for part in parts]
    if wrapped := _wrapped(text, parts, found):
        return _only(text, wrapped, [block for each in found for block in each])
    several = sum(bool(text[start:end].strip()) for start, end in parts) > 1
    marks: list[Mark] = []
    asks: list[Stretch] = []
    results = False
    for part, inside in zip(parts, found, strict=True):
        held = [
            block for block in inside if _is_programs(text, block, part, several=several, from_program=from_program)
        ]
        marks += [mark for block in held for mark in _marks(text, block)]
        left = list(_between(text, part, held))
        if from_program and left:
            asked = client.head is not None and client.head.match(text, *left[0]) is not None
            results = results or (not asked and RESULT.match(text, *left[0]) is not None)
            left = _of_results(left, marks) if results else _trimmed(text, left, client, marks)
        asks += left
    marks.sort()
    return UserText(tuple(marks), tuple(asks), any(kind == "tool-result" for _, _, kind in marks))


def ran(text: str) -> UserText | None:
    """A message behind the model's own, where it is what a command of its put out; None for any other."""
    if not RAN.match(text[:RAN_READ] + text[-RAN_READ:]):
        return None
    return UserText(((0, len(text), "tool-result"),), (), results=True)


def _blocks(text: str, part: Stretch, from_program: bool) -> list[Block]:
    found = list(blocks(text, *part))
    if from_program and ("[" in text or "---" in text or "===" in text or "***" in text):
        held = [(block.start, block.end) for block in found]
        lines = between_lines(text, *part)
        found += [each for each in lines if not any(start < each.end and each.start < end for start, end in held)]
        found.sort(key=lambda block: block.start)
    return found


def _wrapped(text: str, parts: Sequence[Stretch], found: Sequence[Sequence[Block]]) -> list[Block]:
    """The blocks that hold the question itself."""
    sure = [block for each in found for block in each if block.asks == "yes"]
    if sure:
        return sure
    return [
        block
        for part, each in zip(parts, found, strict=True)
        for block in each
        if block.asks and not any(TAG.fullmatch(text, *left) is None for left in _between(text, part, each))
    ]


def _only(text: str, wrapped: Sequence[Block], found: Sequence[Block]) -> UserText:
    asks = [stretch for block in wrapped if (stretch := stripped(text, block.inner, block.inner_end))]
    marks: list[Mark] = []
    for block in found:
        if block.asks and block in wrapped:
            marks += [(block.start, block.inner, "harness"), (block.inner_end, block.end, "harness")]
        else:
            marks += _marks(text, block)
    held = [(start, end) for start, end, _ in marks] + asks
    whole: Stretch = (0, len(text))
    marks += [(start, end, "harness") for start, end in _gaps(text, whole, sorted(held))]
    return UserText(tuple(sorted(marks)), tuple(asks), any(kind == "tool-result" for _, _, kind in marks))


def _is_programs(text: str, block: Block, part: Stretch, *, several: bool, from_program: bool) -> bool:
    """Is a block a program's, or the user's own material?"""
    if block.asks:
        return False
    if block.kind != "unknown":
        return True
    leads = not text[part[0] : block.start].strip()
    whole = leads and not text[block.end : part[1]].strip()
    return from_program and leads and (several or not whole)


def _marks(text: str, block: Block) -> Iterator[Mark]:
    """A block's stretches: its own kind, and the lines of it that are different in each request."""
    kind = "harness" if block.kind == "unknown" else block.kind
    if kind == "timestamp" and not is_time(text[block.inner : block.inner_end]):
        kind = "harness"
    inner = (
        (block.start, block.start) if kind in ("memory", "tool-result", "timestamp") else (block.inner, block.inner_end)
    )
    yield from _told_apart(text, (block.start, block.end), inner, kind)


def _told_apart(text: str, whole: Stretch, inner: Stretch, kind: SpanKind) -> Iterator[Mark]:
    """A stretch of a program's, with the lines of `inner` that are different in each request as such."""
    place = whole[0]
    for start, end, what in volatile(text, *inner):
        if start > place:
            yield place, start, kind
        yield start, end, what
        place = end
    if place < whole[1]:
        yield place, whole[1], kind


def _between(text: str, part: Stretch, held: Sequence[Block]) -> Iterator[Stretch]:
    yield from _gaps(text, part, [(block.start, block.end) for block in held])


def _gaps(text: str, whole: Stretch, held: Sequence[Stretch]) -> Iterator[Stretch]:
    """What lies between stretches, without blanks around it."""
    place = whole[0]
    for start, end in (*held, (whole[1], whole[1])):
        if start > place and (stretch := stripped(text, place, start)):
            yield stretch
        place = max(place, end)


def stripped(text: str, start: int, end: int) -> Stretch | None:
    """A stretch without the blanks around it, None where nothing is left."""
    kept = text[start:end].lstrip()
    start = end - len(kept)
    kept = kept.rstrip()
    return (start, start + len(kept)) if kept else None


# ---- lines of programs at the ends of a text ------------------------------------------------------------------------


def _of_results(left: Sequence[Stretch], marks: list[Mark]) -> list[Stretch]:
    """All that is left of a part is tools' results: a program gives them as text, and says so before the first."""
    marks += [(start, end, "tool-result") for start, end in left]
    return []


def _trimmed(text: str, left: list[Stretch], client: Client, marks: list[Mark]) -> list[Stretch]:
    """What is left of one part without the lines that a program put before and behind it, which go to `marks`."""
    if len(left) == 1 and (NOTE.fullmatch(text, *left[0]) or SPOKEN.fullmatch(text, *left[0])):
        marks.append((*left[0], "harness"))
        return []
    for place, (start, end) in enumerate(left):
        if asked := ASKED.search(text, start, end):
            marks += [(before, to, "harness") for before, to in left[:place]]
            marks.append((start, asked.end(), "harness"))
            left = [(asked.end(), end), *left[place + 1 :]]
            break
    if client.tail is not None:
        left = _without_tail(text, left, client.tail, marks)
        if not left:
            return []
    first = _without_front(text, *left[0], client, marks)
    left[:1] = [first] if first else []
    if left:
        last = _without_back(text, *left[-1], marks)
        left[-1:] = [last] if last else []
    return left


def _without_tail(text: str, left: list[Stretch], tail: "re.Pattern[str]", marks: list[Mark]) -> list[Stretch]:
    """Without what a program of the table puts behind a question: one stretch, with the blocks in it."""
    for place, (start, end) in enumerate(left):
        if found := tail.search(text, start, end):
            begun = found.start()
            last = max(left[-1][1], *(to for _, to, _ in marks), 0)
            marks[:] = [*(mark for mark in marks if mark[0] < begun), (begun, last, "reminder")]
            kept = stripped(text, start, begun)
            return [*left[:place], kept] if kept else left[:place]
    return left


def _without_front(text: str, start: int, end: int, client: Client, marks: list[Mark]) -> Stretch | None:
    begun = bool(marks)
    for _ in range(MOST_TRIMMED):
        stretch = stripped(text, start, end)
        if stretch is None:
            return None
        start = stretch[0]
        if client.head is not None and (found := client.head.match(text, start, end)):
            head = (start, found.end())
            is_result = RESULT.match(text, *head) is not None
            marks += [(*head, "tool-result")] if is_result else _told_apart(text, head, head, "environment")
            start, begun = found.end(), True
            continue
        taken = _front(text, start, end) or (_behind(text, start, end) if begun else None)
        if taken is None:
            break
        marks.append(taken)
        start, begun = taken[1], True
    return start, end


def _behind(text: str, start: int, end: int) -> Mark | None:
    """What only counts behind a program's other lines: a second bracket, as a sender's, and a heading."""
    found = BRACKET.match(text, start, end) if text[start - 1 : start] in ("]", " ") else HEADED.match(text, start, end)
    return (start, found.end(), "harness") if found and found.end() < end else None


def _front(text: str, start: int, end: int) -> Mark | None:
    if found := BRACKET.match(text, start, end):
        if is_time(found[1]):
            return (start, found.end(), "timestamp") if ":" in found[1] else None
        if CLOCK.search(found[1]) and found.end() < end and text[found.end()] != "\n":
            return start, found.end(), "harness"
    if (found := EMPTY.match(text, start, end)) and (found["name"] is None or named(found["name"])):
        return start, found.end(), "environment"
    for pattern in (DATA, SYSTEMS, LABELLED):
        found = pattern.match(text, start, end)
        if found and found.end() < end:
            return start, found.end(), "harness"
    stop = text.find("\n\n", start, end)
    return _paragraph(text, start, end if stop < 0 else stop)


def _without_back(text: str, start: int, end: int, marks: list[Mark]) -> Stretch | None:
    for _ in range(MOST_TRIMMED):
        stretch = stripped(text, start, end)
        if stretch is None:
            return None
        end = stretch[1]
        taken = _back(text, start, end)
        if taken is None:
            break
        marks.append(taken)
        end = taken[0]
    return start, end


def _back(text: str, start: int, end: int) -> Mark | None:
    if found := CLOSING.search(text, max(start, end - RAN_READ * 4), end):
        return found.start(), end, "harness"
    line = max(start, text.rfind("\n", start, end) + 1)
    if (found := EMPTY.fullmatch(text, line, end)) and (found["name"] is None or named(found["name"])):
        return line, end, "environment"
    begun = text.rfind("\n\n", start, end)
    return _paragraph(text, start if begun < 0 else begun + 2, end)


def _paragraph(text: str, start: int, end: int) -> Mark | None:
    """A paragraph each of whose lines says what time it is now, where, or in which run; alone it counts for what
    changes. A time that is not said to be now may be what is asked about.
    """
    if end - start > LONGEST_RUNTIME:
        return None
    lines = text[start:end].strip().split("\n")
    if len(lines) > MOST_TRIMMED:
        return None
    kinds = [kind_of_line(line) for line in lines if not line.startswith("#") and not line.rstrip().endswith(":")]
    if (
        not kinds
        or None in kinds
        or ("runtime" not in kinds and "timestamp" in kinds and not says_now(text[start:end]))
    ):
        return None
    if set(kinds) <= VOLATILE:
        return start, end, "runtime" if "runtime" in kinds else "timestamp"
    return (start, end, "environment") if len(lines) > 1 else None
