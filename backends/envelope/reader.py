"""The ask of a request, told from what an agent's program puts around it.

General rules first: blocks by their names, lines about time and process, what the system prompt also says, what this
agent's earlier requests had at the same place. Then one row for each known program. Where nothing is left, the last
user's whole text asks: no rule makes an ask empty.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from msgspec import Struct

from backends.envelope import user_text
from backends.envelope.clients import Client, recognise
from backends.envelope.doubt import doubted
from backends.envelope.remembered import RememberedParts
from backends.envelope.repeats import Repeats
from backends.envelope.user_text import Stretch, UserText
from backends.envelope.volatile import Mark, kind_of_line
from backends.types import OUTSIDE, VOLATILE, Envelope, Request, Span, SpanKind

INSTRUCTED = 300
"""Characters of instructions from which a request without tools counts as a program's."""

COPIED = 40
"""Characters that a paragraph has at the least which is taken for a copy of the system prompt's."""

HABIT, LONG_HABIT, EDGES, MOST_LINES = 3, 8, 16, 2_000
"""Different asks after which a line before or behind each of them is the program's, and where the line itself asks, as
a script's "Translate this:" does; how many lines of each side are looked at, in an ask of how many.
"""

DOUBTED, DOUBTED_STRETCHES, SHORTEST = 4_000, 64, 12
"""Characters of unproved text that are kept, stretches of it that are looked at, and characters of one that says
something.
"""


DIGITS = re.compile(r"\d+")

CALL = re.compile(r"[<{`]|\[\w+|\bAction\b")
"""What a call that is written as text has."""

GUARD, MOST_GUARDS = re.compile(r'\\(?=")'), 1_000
"""The sign before a quote within a quoted ask, and how many of them are left out."""


class Asked(Struct, frozen=True):
    """Which message asks. `run` are the messages of the user that stand together with it, the last first, which might
    ask as well; `continues`: results of tools stand behind it.
    """

    message: int
    run: tuple[int, ...] = ()
    continues: bool = False


class EnvelopeReader:
    """Pure but for what it has learned of each agent's earlier requests; safe to call from any thread.

    A body of 59 kB takes less than 1 ms. Memory is bounded: hashes and offsets, no text.
    """

    def __init__(self) -> None:
        self._repeats = Repeats()
        self._parts = RememberedParts()

    def read(self, request: Request) -> Envelope:
        """Which text asks, and what the others are. Never raises for any text."""
        client = recognise(request)
        learns = bool(client.name or request.tools)  # a script without tools repeats its own instruction
        from_program = learns or _instructed(request)
        messages = request.messages
        texts = {
            at: self._parts.of_user(message, client, from_program=from_program)
            for at, message in enumerate(messages)
            if message.role == "user"
        }
        if from_program:
            texts |= _put_out(request)
        found = self._asked(request, texts, learns=learns)
        if found.message == OUTSIDE:
            ask = request.ask
        else:
            texts[found.message] = self._trimmed(
                request, client, found, texts[found.message], from_program=from_program
            )
            ask = _joined(messages[found.message].text, texts[found.message].asks)
        unproved = self._unproved(request, client, texts, found, ask)
        if not client.name:
            texts = {at: self._changing(request.agent, messages[at].text, text, ask) for at, text in texts.items()}
        systems = {
            at: self._parts.of_system(message) if from_program else ()
            for at, message in enumerate(messages)
            if message.role == "system"
        }
        said = (span for at in range(len(messages)) for span in _spans(request, at, systems, texts, found.message))
        spans = (*said, *_tools(request))
        return Envelope(
            ask=ask,
            message=found.message,
            spans=spans,
            parts=_sizes(spans),
            continues=found.continues,
            client=client.name,
            unproved=unproved,
        )

    # ---- which message asks --------------------------------------------------------------------------------------

    def _asked(self, request: Request, texts: dict[int, UserText], *, learns: bool) -> Asked:
        """The last message of a user in which something is left to ask; where there is none, the last with text."""
        run: list[int] = []
        continues = False
        for at in range(len(request.messages) - 1, -1, -1):
            role = request.messages[at].role
            results = role == "tool" or (role == "user" and texts[at].results and not texts[at].asks)
            if run and (results or role == "assistant"):
                break
            continues = continues or results
            if role == "user" and texts[at].asks:
                run.append(at)
        if not run:
            return _whole(request, texts)
        asked = next((at for at in run if not (learns and self._is_repeated(request, at, run))), run[0])
        return Asked(asked, tuple(run), continues)

    def _is_repeated(self, request: Request, at: int, run: Sequence[int]) -> bool:
        """Had earlier requests this message beside another one?"""
        if len(run) == 1:
            return False
        beside = "\x1e".join(request.messages[each].text for each in run)
        message = request.messages[at].text
        known = self._repeats.times(request.agent, "message", message, beside) > 0
        self._repeats.learn(request.agent, "message", message, beside)
        return known

    # ---- what of it asks -----------------------------------------------------------------------------------------

    def _trimmed(
        self, request: Request, client: Client, found: Asked, text: UserText, *, from_program: bool
    ) -> UserText:
        """Without what the system prompt says as well, what earlier requests had there, and quotes around it all."""
        message = request.messages[found.message]
        asks, marks = list(text.asks), list(text.marks)
        if from_program and asks and found.run:
            asks = _not_copied(message.text, asks, _systems(request), marks)
        if (client.name or request.tools) and asks and found.run:
            asks = self._new_parts(request.agent, message.text, message.seams, asks, marks)
            asks = self._without_habits(request.agent, message.text, asks, marks)
        asks = _unquoted(message.text, asks, marks, always=client.quotes)
        return UserText(tuple(sorted(marks)), tuple(asks), text.results)

    def _new_parts(
        self, agent: str, text: str, seams: Sequence[int], asks: list[Stretch], marks: list[Mark]
    ) -> list[Stretch]:
        """Without the separate parts that earlier requests had beside other ones."""
        by_part: dict[int, list[Stretch]] = {}
        for stretch in asks:
            by_part.setdefault(sum(seam <= stretch[0] for seam in seams), []).append(stretch)
        if len(by_part) == 1:
            return asks
        old = set()
        for part, stretches in by_part.items():
            said = _joined(text, stretches)
            if self._repeats.times(agent, "part", said, text) > 0:
                old.add(part)
            self._repeats.learn(agent, "part", said, text)
        if len(old) == len(by_part):
            return asks
        marks += [(*stretch, "harness") for part in old for stretch in by_part[part]]
        return [stretch for part, stretches in by_part.items() if part not in old for stretch in stretches]

    def _without_habits(self, agent: str, text: str, asks: list[Stretch], marks: list[Mark]) -> list[Stretch]:
        """Without the lines before and behind it that each of this agent's last asks has. Where only times and ids are
        left, the program asks the same again.
        """
        lines = list(_lines(text, asks))
        if len(lines) < 2 or len(lines) > MOST_LINES:
            return asks
        whole = _joined(text, asks)
        front = self._habits(agent, "front", [text[start:end] for start, end in lines[:EDGES]], whole)
        back = self._habits(agent, "back", [text[start:end] for start, end in lines[: -EDGES - 1 : -1]], whole)
        left = lines[front : len(lines) - back]
        if not front + back or all(kind_of_line(text[start:end]) in VOLATILE for start, end in left):
            return asks
        first, last = lines[front][0], lines[len(lines) - back - 1][1]
        marks += [(start, min(end, first), "harness") for start, end in asks if start < first]
        marks += [(max(start, last), end, "harness") for start, end in asks if end > last]
        return [(max(start, first), min(end, last)) for start, end in asks if start < last and end > first]

    def _habits(self, agent: str, place: str, lines: Sequence[str], whole: str) -> int:
        """How many lines, from the edge on, each of the last asks had there. One that asks needs more of them."""
        habits = 0
        for at, line in enumerate(lines):
            times = self._repeats.times(agent, place, line, whole)
            if at == habits and times >= (LONG_HABIT if doubted(line, informs=True) else HABIT):
                habits += 1
            self._repeats.learn(agent, place, line, whole)
        return habits

    # ---- what surrounds it ---------------------------------------------------------------------------------------

    def _unproved(self, request: Request, client: Client, texts: dict[int, UserText], found: Asked, ask: str) -> str:
        """What stands around the ask as a program's, and may ask itself, without any proof that it is the program's:
        the system prompt does not say it as well, and no earlier request had it there beside another ask.
        """
        if found.message == OUTSIDE:
            return ""
        systems, said = _systems(request), list[str]()
        for at in range(found.message, len(request.messages)):
            for block, kind in _around(request, at, texts[at].marks) if at in texts else ():
                known = self._repeats.times(request.agent, "around", block, ask) > 0
                self._repeats.learn(request.agent, "around", block, ask)
                if not known and not any(block in system for system in systems):
                    informs = kind in ("memory", "environment", "tool-result")
                    said.append(doubted(block, known=block.startswith(client.blocks), informs=informs))
        return "\n".join(filter(None, said))[:DOUBTED]

    def _changing(self, agent: str, text: str, parts: UserText, ask: str) -> UserText:
        """With times and ids as such only where an earlier request, with another ask, had others in the same form: what
        stands once may be what the answer depends on.
        """
        if not any(kind in VOLATILE for _, _, kind in parts.marks):
            return parts
        marks: list[Mark] = []
        for start, end, kind in parts.marks:
            form = DIGITS.sub("0", text[start:end])
            known = kind not in VOLATILE or self._repeats.times(agent, "form", form, ask) > 0
            marks.append((start, end, kind if known else "environment"))
            if kind in VOLATILE:
                self._repeats.learn(agent, "form", form, ask)
        return UserText(tuple(marks), parts.asks, parts.results)


def _sizes(spans: Sequence[Span]) -> dict[str, int]:
    """Characters of each kind, the largest first."""
    sums: dict[str, int] = {}
    for span in spans:
        sums[span.kind] = sums.get(span.kind, 0) + span.characters
    return dict(sorted(sums.items(), key=lambda each: -each[1]))


def _spans(
    request: Request, at: int, systems: dict[int, tuple[Mark, ...]], texts: dict[int, UserText], asked: int
) -> Iterator[Span]:
    """The stretches of one message, which cover its text."""
    message = request.messages[at]
    if message.role == "system":
        return _tiled(at, len(message.text), systems[at], "system")
    if message.role != "user":
        return _tiled(at, len(message.text), (), "tool-result" if message.role == "tool" else "history")
    if at != asked:
        return _tiled(at, len(message.text), texts[at].marks, "history" if at < asked else "harness")
    asks: list[Mark] = [(start, end, "ask") for start, end in texts[at].asks]
    return _tiled(at, len(message.text), sorted([*texts[at].marks, *asks]), "harness")


def _around(request: Request, at: int, marks: Sequence[Mark]) -> Iterator[tuple[str, SpanKind]]:
    """The blocks around an ask and their kinds, without what each request has anew and without the results of tools
    that the model has called.
    """
    text, run = request.messages[at].text, list[Mark]()
    proved = (*VOLATILE, "tool-result") if _called_before(request, at) else VOLATILE
    for mark in (*islice(marks, DOUBTED_STRETCHES), (-1, -1, "timestamp")):
        if run and mark[0] != run[-1][1]:
            pieces = [(text[start:end], kind) for start, end, kind in run if kind not in proved]
            block = "".join(piece for piece, _ in pieces).strip()
            if len(block) >= SHORTEST:
                yield block, pieces[0][1]
            run.clear()
        run.append(mark)


def _called_before(request: Request, at: int) -> bool:
    """May the model have called a tool in the message before the user's, in any way of writing?"""
    before = next((message for message in reversed(request.messages[:at]) if message.role != "user"), None)
    if before is None or before.role == "system":
        return False
    return before.role == "tool" or bool(before.tool_calls) or CALL.search(before.text) is not None


def _systems(request: Request) -> list[str]:
    return [message.text for message in request.messages if message.role == "system"]


def _instructed(request: Request) -> bool:
    return any(len(text) >= INSTRUCTED for text in _systems(request))


def _put_out(request: Request) -> dict[int, UserText]:
    """The user's messages that are what the model's commands put out, where a program writes both as text."""
    found: dict[int, UserText] = {}
    for at, (before, message) in enumerate(pairwise(request.messages), 1):
        if message.role == "user" and before.role == "assistant" and (text := user_text.ran(message.text)):
            found[at] = text
    return found


def _whole(request: Request, texts: dict[int, UserText]) -> Asked:
    """The last message of a user with any text, all of which then asks."""
    for at in range(len(request.messages) - 1, -1, -1):
        text = request.messages[at].text
        if at in texts and (stripped := user_text.stripped(text, 0, len(text))):
            texts[at] = UserText((), (stripped,))
            return Asked(at)
    return Asked(OUTSIDE)


def _joined(text: str, stretches: Sequence[Stretch]) -> str:
    """Stretches as one text, in lines of their own unless only the sign that guards a quote is left out."""
    pieces: list[str] = []
    before = 0
    for start, end in stretches:
        if pieces and text[before:start] != "\\":
            pieces.append("\n")
        pieces.append(text[start:end])
        before = end
    return "".join(pieces)


def _lines(text: str, stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """The lines of stretches that are not blank, without the blanks around them."""
    for start, end in stretches:
        place = start
        while place < end:
            stop = text.find("\n", place, end)
            stop = end if stop < 0 else stop
            if line := user_text.stripped(text, place, stop):
                yield line
            place = stop + 1


def _not_copied(text: str, asks: list[Stretch], systems: Sequence[str], marks: list[Mark]) -> list[Stretch]:
    """Without the last paragraphs where the system prompt has the same ones."""
    if not asks:
        return asks
    start, end = asks[-1]
    begun = text.rfind("\n\n", start, end)
    last = text[begun + 2 : end]
    if begun < 0 or len(last) < COPIED:
        return asks
    for system in systems:
        place = system.find(last)
        if place < 0:
            continue
        begun = _copied_from(text, start, begun + 2, system, place)
        marks.append((begun, end, "reminder"))
        left = user_text.stripped(text, start, begun)
        return [*asks[:-1], left] if left else asks[:-1] or asks
    return asks


def _copied_from(text: str, start: int, begun: int, system: str, place: int) -> int:
    """Where the paragraphs begin that both texts have, which end alike."""
    while (before := text.rfind("\n\n", start, begun - 2)) >= 0:
        paragraph = text[before + 2 : begun]
        if not system.endswith(paragraph, 0, place):
            break
        begun, place = before + 2, place - len(paragraph)
    return begun


def _unquoted(text: str, asks: list[Stretch], marks: list[Mark], *, always: bool) -> list[Stretch]:
    """Without quotes around the whole, and without the signs that guard quotes within those. An ask that has other
    quotes begins and ends with its own, unless its program `always` quotes.
    """
    if len(asks) != 1:
        return asks
    start, end = asks[0]
    if end - start < 3 or text[start] != '"' or text[end - 1] != '"':
        return asks
    inner = text[start + 1 : end - 1]
    if '"' in inner.replace('\\"', "") and not always:
        return asks
    guards = [start + 1 + found.start() for found in islice(GUARD.finditer(inner), MOST_GUARDS)]
    marks += [(at, at + 1, "harness") for at in (start, *guards, end - 1)]
    edges = [start + 1, *(edge for at in guards for edge in (at, at + 1)), end - 1]
    return [(left, right) for left, right in zip(edges[::2], edges[1::2], strict=True) if left < right]


def _tiled(at: int, length: int, marks: Sequence[Mark], other: SpanKind) -> Iterator[Span]:
    """Spans that cover a text: its marks, and `other` between them."""
    place = 0
    for start, end, kind in marks:
        if start > place:
            yield Span(kind=other, message=at, start=place, end=start)
        if end > max(start, place):
            yield Span(kind=kind, message=at, start=max(start, place), end=end)
        place = max(place, end)
    if place < length or not length:
        yield Span(kind=other, message=at, start=place, end=length)


def _tools(request: Request) -> Iterator[Span]:
    """The declared tools, by their length as JSON."""
    if request.tools:
        size = sum(len(tool.name) + len(tool.description) + len(tool.schema_json) for tool in request.tools)
        yield Span(kind="tools", message=OUTSIDE, start=0, end=size)
