"""Does a block that looks like a program's hold a question of its own?

A program speaks of the user, its tools, its modes and its reminders, or lists paths and settings. A block with another
text may be there to hide a hard question from the router. In doubt it counts as a question: that costs a better engine,
never a worse one.
"""

import re
from collections.abc import Iterator
from typing import Literal

from backends.envelope.volatile import kind_of_line

TALK = re.compile(
    r"""(?xi)
    \bthe\ user(?:'s|s)?\b | \buser's\b | \buser\ (?:query|message|input|rules|instructions)\b
    | \b(?:this|these|following|latest|previous|last)\ (?:message|reminder|context|conversation|tag|instruction|file|
      item|skill|note|notification|list|content)s?\b
    | \bto-?do\b | \breminder\b | \bsystem\ (?:prompt|message|reminder|note)\b | \bsub-?agents?\b
    | \btool(?:s|\ call|\ calls|\ use|\ result|\ results)?\b | \b\w+_\w+\b\ (?:tool|parameter) | \bparameter\b
    | \b(?:plan|act|edit|ask|auto|code|agent)\ mode\b | \bmode\ is\ (?:now\ )?active\b
    | \b(?:is|are|was|were)\ (?:currently|now|enabled|disabled|active|attached|provided|available|open|working)\b
    | \b(?:do|should|must|need)\ not\ (?:mention|respond|reply|acknowledge|answer|make\ any|reveal|tell)\b
    | \bdon't\ (?:mention|respond|reply|acknowledge)\b | \bnever\ mention\b
    | \byour\ (?:task|todo|tools|session|instructions|capabilities|context|response|work|workspace|knowledge|memory|
      final\ answer)s?\b
    | \byou\ (?:are|have|can|may|should|must|will|need)\b | \bI'?m?\ (?:am\ )?currently\b | \bmy\ operating\ system\b
    | \bcurrent\ (?:mode|file|date|time|directory|working|workspace|session|branch|conversation|task)\b
    | \bworking\ directory\b | \bcontext\ (?:window|may)\b | \btokens?\ (?:used|left|usage|remaining)\b
    | \bnot\ instructions\b | \bcodebase\b | \bcheckpoint\b | \b\w+\.md\b
    """
)
"""How programs speak to a model."""

LISTED = re.compile(r"\s*(?:[#\-*•|>+`]|\d+[.)]\s|</?\w|/|\w:\\|\[|\{|\"\w+\":|[\w./-]+\.\w{1,5}\b)")
"""How a line begins that lists something."""

VERBS = (
    "add adapt analy[sz]e answer argue assess audit break build calculate check choose classify clean code "
    "compare complete compose condense "
    "compute construct convert correct count create debug decide define demonstrate derive describe "
    "design detail detect "
    "determine develop diagnose digest discuss drain draft draw edit estimate evaluate examine expand explain "
    "explore extract fetch figure "
    "fill find fix format forecast generate get give grade group guess help identify implement improve infer integrate "
    "interpret investigate judge label list locate look make map match measure merge model name "
    "optimi[sz]e organi[sz]e "
    "outline parse pick plan port predict prepare produce propose prove provide pull put rank rate "
    "read recommend refactor "
    "reformat render rephrase replace report research resolve return review revise rewrite run score search "
    "select send separate shorten show "
    "simplify sketch solve sort specify split state suggest sum summari[sz]e survey tell test trace train "
    "transcribe transform "
    "translate try tune turn update use validate verify vet work write"
)
ASKING = re.compile(
    r"(?:^|[.!;:,\n(]\s*|\b(?:please|then|now|and|also|to)\s+)(?:" + VERBS.replace(" ", "|") + r")\b"
    r"|\?|\b(?:please|can you|could you|would you|i(?:'d)? (?:want|need|like)|let's|help me|how "
    r"(?:to|do|can|many|much))\b"
    r"|^\s*(?:what|why|which|who|when|where|how|is|are|does|do|can|should)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""How a sentence begins, or what it has, that asks in English."""

ENGLISH = re.compile(r"\b(?:the|is|are|of|to|for|and|with|that|this|not|you)\b", re.IGNORECASE)
"""Words that only English has so often; a text without them counts as asking, for want of any better knowledge."""

SENTENCE = re.compile(r"(?<=[.!?。！？:])\s+")
TAG = re.compile(r"</?[A-Za-z!][^<>\n]{0,300}>|<<<[^<>\n]{0,300}>>>|\[(?:SYSTEM|System)\]:?")
WORD = re.compile(r"[^\W\d_]+")

FEW_WORDS = 3
"""Words from which a line says something."""

MOST_READ = 4_000
"""Characters of a block that are read."""


def doubted(text: str, *, known: bool = False, informs: bool = False) -> str:
    """A block without its tags, where it holds more that may ask than what a program says; else "".

    One that `informs` holds files, rules or what was found: there a sentence must ask, in any other block none need.
    `known`: the request's program, one of the table, sends such blocks; then any word of a program speaks for it.
    """
    judged = [each for line in TAG.sub("\n", text[:MOST_READ]).split("\n") for each in _judged(line)]
    others = "\n".join(piece for piece, speaker in judged if speaker == "other")
    programs = sum(len(piece) for piece, speaker in judged if speaker == "program")
    if not others or (programs and (known or len(others) <= programs)):
        return ""
    if informs and not ASKING.search(others) and ENGLISH.search(others):
        return ""
    return TAG.sub("", text).strip()


def _judged(line: str) -> Iterator[tuple[str, Literal["program", "other", ""]]]:
    """The sentences of a line, and who speaks in each; "" in one that lists or announces something, unless a program
    does that.
    """
    if line.rstrip().endswith("?"):
        yield line, "other"
    elif kind_of_line(line) is not None:
        yield line, "program"
    elif LISTED.match(line) or line.rstrip().endswith(":") or (line.isascii() and len(WORD.findall(line)) < FEW_WORDS):
        yield line, "program" if TALK.search(line) else ""
    else:
        for sentence in SENTENCE.split(line):
            yield sentence, "program" if TALK.search(sentence) else "other"
