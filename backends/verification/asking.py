"""What was asked, and how the option that was taken stands among the others."""

import re
from math import log1p

from backends.verification import wording
from backends.verification.evidence import Evidence
from backends.verification.numbers import numbers
from backends.verification.plausible import TOGETHER
from backends.verification.stems import likeness, share, stems
from backends.verification.telling import LATEX

KINDS = {
    "stem_negated": re.compile(r"(?i)\b(?:not|except|least|false|incorrect|never|without|cannot)\b"),
    "stem_case": re.compile(r"(?i)\b(?:year-old|patient|plaintiff|defendant|man|woman|student)\b"),
    "stem_which": re.compile(r"(?i)\bwhich of the following\b|\bwhich one\b"),
    "stem_compute": re.compile(r"(?i)\b(?:calculate|compute|find|determine|estimate|how (?:many|much|long|far))\b"),
    "stem_statements": re.compile(r"(?i)\bstatement [12]\b|\btrue,? (?:true|false)\b"),
}
"""Kinds of questions that models find harder or easier than their length says."""


def asking(evidence: Evidence) -> dict[str, float]:
    return _option(evidence) | _asked(evidence)


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
    words = [stems(option) | {f"{number.value:g}" for number in numbers(option)} for option in options]
    alike = [sum(likeness(a, b) for at, b in enumerate(words) if at != own) for own, a in enumerate(words)]
    asked = stems(evidence.question.stem)
    return row | {
        "option_length": min(sizes[place] / (mean or 1), 3) / 3,
        "longest": float(sizes[place] == max(sizes)),
        "length_rank": sum(size < sizes[place] for size in sizes) / len(sizes),
        "alike": alike[place] / (len(options) - 1),
        "alike_rank": sum(each < alike[place] for each in alike) / len(alike),
        "all_or_none": float(TOGETHER.search(options[place]) is not None),
        "in_stem": share(words[place], asked),
        "letter": place / 10,
    }


def _asked(evidence: Evidence) -> dict[str, float]:
    stem = evidence.question.stem
    count = sum(1 for _ in numbers(stem))
    found = {name: float(pattern.search(stem) is not None) for name, pattern in KINDS.items()}
    return {
        "stem_length": min(log1p(len(stem)) / 8, 1),
        "stem_numbers": min(log1p(count) / 3, 1),
        "stem_latex": min(len(LATEX.findall(stem)) / (len(stem) or 1) * 5, 1),
        "stem_asks": float(stem.rstrip().endswith("?")),
        "stem_blank": float("__" in stem or stem.rstrip().endswith((":", "..."))),
        "stem_sentences": min(log1p(len(wording.sentences(stem))) / 3, 1),
    } | found
