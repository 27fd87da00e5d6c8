"""What was asked, and how the option that was chosen compares with the others."""

import re
from math import log1p

from backends.verification import phrases
from backends.verification.short_answers.answer_features import LATEX
from backends.verification.short_answers.numbers import numbers
from backends.verification.short_answers.option_prior import TOGETHER
from backends.verification.short_answers.parsed_answer import ParsedAnswer
from backends.verification.short_answers.stemming import jaccard, overlap, stems

KINDS = {
    "stem_negated": re.compile(r"(?i)\b(?:not|except|least|false|incorrect|never|without|cannot)\b"),
    "stem_case": re.compile(r"(?i)\b(?:year-old|patient|plaintiff|defendant|man|woman|student)\b"),
    "stem_which": re.compile(r"(?i)\bwhich of the following\b|\bwhich one\b"),
    "stem_compute": re.compile(r"(?i)\b(?:calculate|compute|find|determine|estimate|how (?:many|much|long|far))\b"),
    "stem_statements": re.compile(r"(?i)\bstatement [12]\b|\btrue,? (?:true|false)\b"),
}
"""Kinds of questions that models find harder or easier than their length says."""


def question_features(parsed: ParsedAnswer) -> dict[str, float]:
    """By name, in a fixed order; each is bounded, and 0 where it does not apply."""
    return _option(parsed) | _asked(parsed)


def _option(parsed: ParsedAnswer) -> dict[str, float]:
    """How the option that was chosen compares with the others: its length, and how alike they are."""
    names = (
        "options", "option_length", "longest", "length_rank", "alike", "alike_rank", "all_or_none", "in_stem",
        "letter", "option_words",
    )  # fmt: skip
    row = dict.fromkeys(names, 0.0)
    options, chosen = parsed.question.options, parsed.chosen.index
    if not options:
        return row
    sizes = [len(option) for option in options]
    mean = sum(sizes) / len(sizes)
    row |= {"options": len(options) / 10, "option_words": min(log1p(mean) / 6, 1)}
    if chosen is None:
        return row
    words = [stems(option) | {f"{number.value:g}" for number in numbers(option)} for option in options]
    alike = [sum(jaccard(a, b) for at, b in enumerate(words) if at != own) for own, a in enumerate(words)]
    asked = stems(parsed.question.stem)
    return row | {
        "option_length": min(sizes[chosen] / (mean or 1), 3) / 3,
        "longest": float(sizes[chosen] == max(sizes)),
        "length_rank": sum(size < sizes[chosen] for size in sizes) / len(sizes),
        "alike": alike[chosen] / (len(options) - 1),
        "alike_rank": sum(each < alike[chosen] for each in alike) / len(alike),
        "all_or_none": float(TOGETHER.search(options[chosen]) is not None),
        "in_stem": overlap(words[chosen], asked),
        "letter": chosen / 10,
    }


def _asked(parsed: ParsedAnswer) -> dict[str, float]:
    stem = parsed.question.stem
    count = sum(1 for _ in numbers(stem))
    found = {name: float(pattern.search(stem) is not None) for name, pattern in KINDS.items()}
    return {
        "stem_length": min(log1p(len(stem)) / 8, 1),
        "stem_numbers": min(log1p(count) / 3, 1),
        "stem_latex": min(len(LATEX.findall(stem)) / (len(stem) or 1) * 5, 1),
        "stem_asks": float(stem.rstrip().endswith("?")),
        "stem_blank": float("__" in stem or stem.rstrip().endswith((":", "..."))),
        "stem_sentences": min(log1p(len(phrases.sentences(stem))) / 3, 1),
    } | found
