"""Blocks that programs put around a question: `<system-reminder>…</system-reminder>`, `<<<BEGIN_X>>>…<<<END_X>>>`,
`[Runtime Context]…[/Runtime Context]`, `<!-- x:DYNAMIC -->…`.

Told by their names: these have words that programs use and people's material does not. Linear in the text's length,
whatever it holds: each search for an end goes on where the last one stopped, and what has no end is sought once.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from backends.types import SpanKind

BlockKind = SpanKind | Literal["unknown"]

MOST_BLOCKS = 1_000
"""Blocks that are read in one text, and openings that are looked at. What stands behind them is text like any other."""

MOST_UNCLOSED = 32
"""Names without an end that are sought in one text."""

OPENING = re.compile(
    r"<(?:<<(?:BEGIN_)?(?P<fence>[A-Z][A-Z0-9_]{2,80})\b[^<>\n]{0,200}>>>|(?P<tag>[A-Za-z][^<>\n]{0,300})>)"
)
BRACKETED = re.compile(
    r"^\[{1,2}(?P<name>[A-Za-z][\w ]{2,60}?)(?:\s*[—–:|-][^\]\n]{0,200})?\]{1,2}[ \t]*$", re.MULTILINE
)
DASHED = re.compile(
    r"^(?P<line>-{3,}|={3,}|\*{3,}) ?(?:(?:BEGIN|START)(?: OF)? )?(?P<name>[A-Z][\w ]{2,50}?)"
    r"(?: BEGIN| START)? ?(?P=line)[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
NAME = re.compile(r"[A-Za-z][\w.:-]*(?: [a-z]\w*)?")

ASKS = re.compile(
    r"(?:(?:user|human|current|latest|original)[-_ ]?)(?:query|message|input|request|prompt|question|task|text|turn)",
    re.IGNORECASE,
)
"""Names of blocks that hold the question itself."""

MAY_ASK = frozenset({"task", "query", "question", "request", "prompt", "feedback", "message"})
"""Names that hold it where nothing but blocks stands around them."""

Asks = Literal["", "perhaps", "yes"]

KINDS: dict[SpanKind, str] = {
    "reminder": "reminder reminders notice caveat warning hint nudge",
    "timestamp": "timestamp datetime",
    "memory": "memory memories skill skills agents rules instructions guidelines preferences persona knowledge",
    "environment": "environment env workspace cwd editor ide git repo repository layout attached attachments selection "
    "opened directory context session runtime",
    "harness": "system internal hook plugin plugins mode budget usage tokens permissions metadata info information "
    "extra details todo todos "
    "interrupted aborted collaboration agent subagent subagents harness command commands policy",
}
"""Words of a block's name, and what they say it holds; the first kind that fits counts."""

WORDS_OF = {kind: frozenset(words.split()) for kind, words in KINDS.items()}

RESULTS = frozenset({"result", "results", "output", "response", "stdout", "stderr", "observation"})
OF_TOOLS = frozenset({"tool", "tools", "function", "command", "local", "bash", "stdout", "stderr", "observation"})

ALONE = frozenset({"context", "env", "environment", "memory", "memories", "system", "attachments", "skills"})
ALONE |= {"metadata", "reminder", "timestamp", "runtime"}
"""Names of one word that count; people use others in prompts of their own, as `<rules>` and `<instructions>`."""


class Block(Struct, frozen=True, gc=False):
    """A block from `start` to `end`, whose content is `inner` to `inner_end`. `asks`: it holds the question itself,
    "perhaps" where that depends on what stands around it. An "unknown" kind has a name of a program's form.
    """

    kind: BlockKind
    name: str
    start: int
    inner: int
    inner_end: int
    end: int
    asks: Asks = ""


def blocks(text: str, start: int, end: int) -> Iterator[Block]:
    """The outermost blocks of a stretch, in order; none within a code fence."""
    if "<" in text:
        yield from _tagged(text, start, end)


def between_lines(text: str, start: int, end: int) -> Iterator[Block]:
    """Blocks between lines like `[Runtime Context]` and `[/Runtime Context]`, `--- CONTEXT BEGIN ---` and its end."""
    place, tried = start, 0
    while tried < MOST_UNCLOSED and (found := _next_line(text, place, end)):
        place, tried = found.end(), tried + 1
        name, closings = _closings(found)
        known = named(name)
        closing = next((each for each in closings if text.find(each, place, end) >= 0), None)
        if known is None or closing is None:
            continue
        inner_end = text.find(closing, place, end)
        yield Block(known[0], name, found.start(), found.end(), inner_end, inner_end + len(closing), known[1])
        place = inner_end + len(closing)


def _next_line(text: str, start: int, end: int) -> "re.Match[str] | None":
    found = [match for pattern in (BRACKETED, DASHED) if (match := pattern.search(text, start, end))]
    return min(found, key=lambda match: match.start(), default=None)


def _closings(found: "re.Match[str]") -> tuple[str, tuple[str, ...]]:
    """The name of a block that a line opens, and how the line may read that ends it."""
    if found.re is BRACKETED:
        name = found["name"].strip()
        return name, (f"[/{name}]", f"[END {name}]", f"[End {name}]")
    name, line = found["name"].strip(), found["line"]
    return name, (f"{line} END {name} {line}", f"{line} {name} END {line}", f"{line} END OF {name} {line}")


def _tagged(text: str, start: int, end: int) -> Iterator[Block]:
    unclosed: set[str] = set()
    unbalanced: set[str] = set()
    place, looked, fences, fenced_to = start, 0, 0, start
    while looked < MOST_BLOCKS and (found := OPENING.search(text, place, end)):
        looked += 1
        opened = found.start()
        fences += text.count("```", fenced_to, opened)
        place = fenced_to = found.end()
        fence = found["fence"]
        name = fence or _tag_name(found["tag"])
        known = named(name, fence=fence is not None) if name else None
        if known is None or fences % 2 or name in unclosed:
            continue
        leads = _begins_line(text, start, opened)
        if not leads and not text.startswith("\n", found.end()):
            continue
        opening, closing = (f"<<<{name}", f"<<<END_{name}") if fence else (f"<{name}", f"</{name}>")
        inner_end = _closed(text, (opening, closing), place, end, unbalanced)
        if inner_end < 0:
            unclosed.add(name)
            if len(unclosed) >= MOST_UNCLOSED:
                return
            continue
        after = inner_end + len(closing)
        if fence:
            after = text.find(">>>", after, end) + 3
            if after < 3:
                continue
        kind, asks = known
        yield Block(kind, name, opened, found.end(), inner_end, after, asks)
        place = fenced_to = after


def _closed(text: str, tags: tuple[str, str], place: int, end: int, unbalanced: set[str]) -> int:
    """Where the end of a block begins, past the ends of blocks of the same name within it; -1 without one.

    Where openings and ends do not match, it is the first end; that name is then `unbalanced`, and not counted again.
    """
    opening, closing = tags
    first = found = text.find(closing, place, end)
    depth, searched = 1, place
    while found >= 0 and closing not in unbalanced:
        depth += text.count(opening, searched, found) - 1
        if depth <= 0:
            return found
        searched = found + len(closing)
        found = text.find(closing, searched, end)
    if first >= 0:
        unbalanced.add(closing)
    return first


def _begins_line(text: str, start: int, place: int) -> bool:
    """Does nothing but blanks, or the end of another block, stand before it in its line?"""
    line = max(start, text.rfind("\n", max(start, place - 80), place) + 1)
    before = text[line:place].rstrip()
    return not before or before.endswith(">") or (line == start and place - line < 80 and before.endswith("]"))


def _tag_name(inside: str) -> str:
    """The name in an opening tag, "" where it is none."""
    if inside.endswith("/"):
        return ""
    found = NAME.match(inside)
    if found is None:
        return ""
    if found.end() == len(inside):
        return found[0]
    name = found[0].partition(" ")[0]
    return name if "=" in inside else ""


def named(name: str, *, fence: bool = False) -> tuple[BlockKind, Asks] | None:
    """What a block of this name holds; None where the name is of people's own material, such as HTML."""
    if fence:
        return "harness", ""
    if ASKS.fullmatch(name):
        return "harness", "yes"
    if name.lower() in MAY_ASK:
        return "harness", "perhaps"
    words = [word.lower() for word in WORDS.findall(name)]
    kind = _kind(words)
    if kind is None and len(words) > 1 and ("_" in name or "-" in name):
        kind = "unknown"
    return None if kind is None else (kind, "")


def _kind(words: Sequence[str]) -> BlockKind | None:
    if len(words) == 1 and words[0] not in ALONE:
        return None
    if len(words) > 1 and RESULTS.intersection(words) and OF_TOOLS.intersection(words):
        return "tool-result"
    return next((kind for kind, known in WORDS_OF.items() if known.intersection(words)), None)
