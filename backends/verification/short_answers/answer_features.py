"""How an answer is written: its shape, its words, and whether its sums hold."""

import re
from math import log1p

from backends.verification import phrases
from backends.verification.short_answers.arithmetic import sums
from backends.verification.short_answers.parsed_answer import ParsedAnswer

LATEX = re.compile(r"[\\$^_{}=<>±√∫Σπ]")
THEREFORE = re.compile(r"(?i)\b(?:therefore|thus|hence|so)\b")
BECAUSE = re.compile(r"(?i)\b(?:because|since|due to)\b")
ELIMINATES = re.compile(r"(?i)\bnot\b|\bincorrect\b|\boption")


def answer_features(parsed: ParsedAnswer) -> dict[str, float]:
    """By name, in a fixed order; each is bounded, and 0 where it does not apply."""
    return _shape(parsed) | _words(parsed) | _arithmetic(parsed)


def _shape(parsed: ParsedAnswer) -> dict[str, float]:
    chosen, text = parsed.chosen, parsed.chosen.derivation
    parts = phrases.sentences(text)
    return {
        "concluded": float(bool(chosen.conclusions)),
        "among_options": float(chosen.index is not None),
        "conclusions": min(len(chosen.conclusions), 5) / 5,
        "contradicts": float(len(set(chosen.conclusions)) > 1),
        "length": log1p(len(text)) / 9,
        "sentences": log1p(len(parts)) / 4,
        "sentence_length": min(len(text) / (len(parts) or 1), 400) / 400,
        "bare": float(len(text) < 40),
        "after": min(log1p(len(chosen.rest.strip())) / 8, 1),
        "repeated": phrases.repeated_share(parts),
        "squeezed": phrases.compression_ratio(text) if len(text) > 200 else 0.6,
        "lines": min(log1p(text.count("\n")) / 4, 1),
        "steps": min(text.count("=") / 20, 1),
        "latex": min(len(LATEX.findall(text)) / (len(text) or 1) * 5, 1),
        "end": float(parsed.answer.rstrip().endswith((".", ")", "!", "]", "}", "`"))),
    }


def _words(parsed: ParsedAnswer) -> dict[str, float]:
    text = parsed.answer
    last = " ".join(phrases.sentences(parsed.chosen.derivation)[-2:])
    size = log1p(len(text) / 200) or 1.0
    return {
        "refuses": float(phrases.REFUSAL.search(text) is not None),
        "hedges": min(len(phrases.HEDGE.findall(text)) / size, 4) / 4,
        "settles": float(phrases.SETTLED_FOR.search(text) is not None),
        "settles_last": float(phrases.SETTLED_FOR.search(last) is not None),
        "turns": min(len(phrases.TURN.findall(text)), 4) / 4,
        "therefore": float(THEREFORE.search(last) is not None),
        "because": min(len(BECAUSE.findall(text)), 3) / 3,
        "eliminates": min(len(ELIMINATES.findall(parsed.chosen.derivation)), 6) / 6,
    }


def _arithmetic(parsed: ParsedAnswer) -> dict[str, float]:
    done = list(sums(parsed.chosen.derivation))
    wrong = sum(not each.holds for each in done)
    return {
        "sums": min(log1p(len(done)) / 3, 1),
        "sums_wrong": min(wrong, 3) / 3,
        "sums_hold": float(bool(done) and not wrong),
        "sums_share_wrong": wrong / (len(done) or 1),
        "last_sum_wrong": float(bool(done) and not done[-1].holds),
    }
