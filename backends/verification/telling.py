"""How an answer is told: its shape, its words, and whether its sums hold."""

import re
from math import log1p

from backends.verification import wording
from backends.verification.arithmetic import sums
from backends.verification.evidence import Evidence

LATEX = re.compile(r"[\\$^_{}=<>±√∫Σπ]")
THEREFORE = re.compile(r"(?i)\b(?:therefore|thus|hence|so)\b")
BECAUSE = re.compile(r"(?i)\b(?:because|since|due to)\b")
ELIMINATES = re.compile(r"(?i)\bnot\b|\bincorrect\b|\boption")


def telling(evidence: Evidence) -> dict[str, float]:
    return _shape(evidence) | _words(evidence) | _arithmetic(evidence)


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
        "therefore": float(THEREFORE.search(last) is not None),
        "because": min(len(BECAUSE.findall(text)), 3) / 3,
        "eliminates": min(len(ELIMINATES.findall(evidence.taken.derivation)), 6) / 6,
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
