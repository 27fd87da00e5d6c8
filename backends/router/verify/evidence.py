"""What can be read from a prompt and its answer, as numbers: the learned score's features, shared by training and
serving. Each is bounded, and 0 where it does not apply.
"""

import re
from math import log1p, log10

from msgspec import Struct

from backends.router.verify import wording
from backends.router.verify.arithmetic import sums
from backends.router.verify.choice import Question, Taken, question, taken
from backends.router.verify.numbers import Number, close, numbers

WORD = re.compile(r"[^\W\d_]{2,}")
STOP = frozenset(
    "the of and to in is it that for on as are with be by an or at from this which not was has have its if can will than"
    " their they there these we each all any into one two he she his her but so".split()
)
LATEX = re.compile(r"[\\$^_{}=<>±√∫Σπ]")
NEGATED = re.compile(r"(?i)\b(?:not|except|least|false|incorrect|never|without|cannot)\b")


class Evidence(Struct, frozen=True):
    """A prompt and an answer, taken apart once."""

    question: Question
    taken: Taken
    answer: str


def read(prompt: str, answer: str) -> Evidence:
    asked = question(prompt[-wording.READ :])
    part = answer[: wording.READ]
    return Evidence(asked, taken(part, len(asked.options)), part)


def features(evidence: Evidence) -> dict[str, float]:
    """By name, in a fixed order."""
    return (
        _shape(evidence)
        | _words(evidence)
        | _arithmetic(evidence)
        | _numeric(evidence)
        | _overlap(evidence)
        | _option(evidence)
        | _asked(evidence)
    )


def _shape(evidence: Evidence) -> dict[str, float]:
    took, text = evidence.taken, evidence.taken.derivation
    parts = wording.sentences(text)
    return {
        "concluded": float(bool(took.conclusions)),
        "among_options": float(took.place is not None),
        "conclusions": min(len(took.conclusions), 5) / 5,
        "contradicts": float(len(set(took.conclusions)) > 1),
        "length": log1p(len(text)) / 9,
        "sentences": log1p(len(parts)) / 4,
        "sentence_length": min(len(text) / (len(parts) or 1), 400) / 400,
        "bare": float(len(text) < 40),
        "after": min(log1p(len(took.rest.strip())) / 8, 1),
        "repeated": wording.repeated(parts),
        "squeezed": wording.squeezed(text) if len(text) > 200 else 0.6,
        "lines": min(log1p(text.count("\n")) / 4, 1),
        "steps": min(text.count("=") / 20, 1),
        "latex": min(len(LATEX.findall(text)) / (len(text) or 1) * 5, 1),
        "end": float(evidence.answer.rstrip().endswith((".", ")", "!", "]", "}", "`"))),
    }


def _words(evidence: Evidence) -> dict[str, float]:
    text = evidence.answer
    last = " ".join(wording.sentences(evidence.taken.derivation)[-2:])
    size = log1p(len(text) / 200) or 1.0
    return {
        "refuses": float(wording.REFUSAL.search(text) is not None),
        "hedges": min(len(wording.HEDGE.findall(text)) / size, 4) / 4,
        "settles": float(wording.SETTLED_FOR.search(text) is not None),
        "settles_last": float(wording.SETTLED_FOR.search(last) is not None),
        "turns": min(len(wording.TURN.findall(text)), 4) / 4,
        "therefore": float(re.search(r"(?i)\b(?:therefore|thus|hence|so)\b", last) is not None),
        "because": min(len(re.findall(r"(?i)\b(?:because|since|due to)\b", text)), 3) / 3,
        "eliminates": min(len(re.findall(r"(?i)\bnot\b|\bincorrect\b|\boption", evidence.taken.derivation)), 6) / 6,
    }


def _arithmetic(evidence: Evidence) -> dict[str, float]:
    done = list(sums(evidence.taken.derivation))
    wrong = sum(not each.holds for each in done)
    return {
        "sums": min(log1p(len(done)) / 3, 1),
        "sums_wrong": min(wrong, 3) / 3,
        "sums_hold": float(bool(done) and not wrong),
        "sums_share_wrong": wrong / (len(done) or 1),
        "last_sum_wrong": float(bool(done) and not done[-1].holds),
    }


def _numeric(evidence: Evidence) -> dict[str, float]:
    """Does the derivation arrive at the number of the option that was taken, or at another's?"""
    options, place = evidence.question.options, evidence.taken.place
    values = [_first(option) for option in options]
    numeric = sum(value is not None for value in values) / (len(values) or 1)
    found = list(numbers(evidence.taken.derivation))
    mine = values[place].value if place is not None and values[place] is not None else None  # type: ignore[union-attr]
    names = (
        "numeric", "mine", "arrives", "arrives_near", "mentions", "arrives_elsewhere", "off", "power_off",
        "nearest", "rank", "extreme", "asked_for",
    )  # fmt: skip
    row = dict.fromkeys(names, 0.0) | {"numeric": numeric}
    if mine is None or numeric < 0.6 or not found:
        return row | {"mine": float(mine is not None)}
    last = [number.value for number in found[-3:]]
    others = [value.value for at, value in enumerate(values) if value is not None and at != place]
    off = min(_off(value, mine) for value in last[-2:])
    ordered = sorted({mine, *others})
    rank = ordered.index(mine) / max(len(ordered) - 1, 1)
    return row | {
        "mine": 1.0,
        "arrives": float(close(last[-1], mine)),
        "arrives_near": float(any(close(value, mine, 0.02) for value in last)),
        "mentions": float(any(close(number.value, mine) for number in found)),
        "arrives_elsewhere": float(any(close(value, other) for value in last for other in others)),
        "off": min(off, 2) / 2,
        "power_off": float(
            any(close(value * 10.0**shift, mine, 0.02) for value in last for shift in (-3, -2, -1, 1, 2, 3))
        ),
        "nearest": float(all(abs(last[-1] - mine) <= abs(last[-1] - other) for other in others)),
        "rank": rank,
        "extreme": float(rank in (0.0, 1.0)),
        "asked_for": float(any(close(number.value, mine) for number in numbers(evidence.question.stem))),
    }


def _first(option: str) -> Number | None:
    return next(numbers(option), None)


def _off(value: float, mine: float) -> float:
    """Distance in decades."""
    if value == mine:
        return 0.0
    if value == 0 or mine == 0 or (value < 0) != (mine < 0):
        return 2.0
    return abs(log10(abs(value)) - log10(abs(mine)))


def _stems(text: str) -> set[str]:
    return {word[:7] for word in WORD.findall(text.lower()) if word not in STOP}


def _overlap(evidence: Evidence) -> dict[str, float]:
    """Does the derivation speak of the option that was taken, and more than of the others?"""
    names = ("said", "said_last", "said_more", "others_said", "verbatim", "others_verbatim", "own_words", "restates")
    row = dict.fromkeys(names, 0.0)
    options, place, text = evidence.question.options, evidence.taken.place, evidence.taken.derivation
    spoken = _stems(text)
    asked = _stems(evidence.question.stem)
    row["own_words"] = len(spoken - asked) / (len(spoken) or 1)
    row["restates"] = len(spoken & asked) / (len(asked) or 1)
    if place is None:
        return row
    stems = [_stems(option) for option in options]
    shares = [len(each & spoken) / len(each) if each else 0.0 for each in stems]
    others = [share for at, share in enumerate(shares) if at != place]
    last = _stems(" ".join(wording.sentences(text)[-2:]))
    lowered = text.lower()
    said = [len(option) > 2 and option.lower().rstrip(".") in lowered for option in options]
    return row | {
        "said": shares[place],
        "said_last": len(stems[place] & last) / (len(stems[place]) or 1),
        "said_more": shares[place] - max(others, default=0.0),
        "others_said": sum(others) / (len(others) or 1),
        "verbatim": float(said[place]),
        "others_verbatim": float(any(hit for at, hit in enumerate(said) if at != place)),
    }


def _option(evidence: Evidence) -> dict[str, float]:
    """How the option that was taken stands among the others: its length, and how alike they are."""
    names = (
        "options", "option_length", "longest", "length_rank", "alike", "alike_rank", "all_or_none", "in_stem",
        "letter", "option_words",
    )  # fmt: skip
    row = dict.fromkeys(names, 0.0)
    options, place = evidence.question.options, evidence.taken.place
    if not options:
        return row
    sizes = [len(option) for option in options]
    mean = sum(sizes) / len(sizes)
    row |= {"options": len(options) / 10, "option_words": min(log1p(mean) / 6, 1)}
    if place is None:
        return row
    stems = [_stems(option) | {str(number.value) for number in numbers(option)} for option in options]
    likeness = [
        sum(len(a & b) / (len(a | b) or 1) for at, b in enumerate(stems) if at != own) for own, a in enumerate(stems)
    ]
    asked = _stems(evidence.question.stem)
    return row | {
        "option_length": min(sizes[place] / (mean or 1), 3) / 3,
        "longest": float(sizes[place] == max(sizes)),
        "length_rank": sum(size < sizes[place] for size in sizes) / len(sizes),
        "alike": likeness[place] / (len(options) - 1),
        "alike_rank": sum(each < likeness[place] for each in likeness) / len(likeness),
        "all_or_none": float(re.search(r"(?i)\b(?:all|none|both|neither) (?:of )?", options[place]) is not None),
        "in_stem": len(stems[place] & asked) / (len(stems[place]) or 1),
        "letter": place / 10,
    }


def _asked(evidence: Evidence) -> dict[str, float]:
    stem = evidence.question.stem
    count = sum(1 for _ in numbers(stem))
    return {
        "stem_length": min(log1p(len(stem)) / 8, 1),
        "stem_numbers": min(log1p(count) / 3, 1),
        "stem_latex": min(len(LATEX.findall(stem)) / (len(stem) or 1) * 5, 1),
        "stem_negated": float(NEGATED.search(stem) is not None),
        "stem_asks": float(stem.rstrip().endswith("?")),
        "stem_blank": float("__" in stem or stem.rstrip().endswith((":", "..."))),
        "stem_sentences": min(log1p(len(wording.sentences(stem))) / 3, 1),
        "stem_case": float(re.search(r"(?i)\b(?:year-old|patient|plaintiff|defendant|man|woman|student)\b", stem) is not None),
        "stem_which": float(re.search(r"(?i)\bwhich of the following\b|\bwhich one\b", stem) is not None),
        "stem_compute": float(re.search(r"(?i)\b(?:calculate|compute|find|determine|estimate|how (?:many|much|long|far))\b", stem) is not None),
        "stem_statements": float(re.search(r"(?i)\bstatement [12]\b|\btrue,? (?:true|false)\b", stem) is not None),
    }  # fmt: skip
