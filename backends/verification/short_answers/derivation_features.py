"""Does the derivation lead to the option that was chosen: to its number, or to its words?"""

from math import log10

from backends.verification import phrases
from backends.verification.short_answers.numbers import close, numbers
from backends.verification.short_answers.parsed_answer import ParsedAnswer
from backends.verification.short_answers.stemming import overlap, stems

SHIFTS = (-3, -2, -1, 1, 2, 3)
"""Decades that a forgotten unit or a slipped point is off by."""

NUMERIC = (
    "numeric", "mine", "arrives", "arrives_near", "mentions", "arrives_elsewhere", "off", "power_off", "nearest",
    "rank", "extreme", "asked_for",
)  # fmt: skip


def derivation_features(parsed: ParsedAnswer) -> dict[str, float]:
    """By name, in a fixed order; each is bounded, and 0 where it does not apply."""
    return _numeric(parsed) | _overlap(parsed)


def _numeric(parsed: ParsedAnswer) -> dict[str, float]:
    """Does the derivation arrive at the number of the option that was chosen, or at another's?"""
    options, chosen = parsed.question.options, parsed.chosen.index
    values = [next((number.value for number in numbers(option)), None) for option in options]
    numeric = sum(value is not None for value in values) / (len(values) or 1)
    found = [number.value for number in numbers(parsed.chosen.derivation)]
    mine = values[chosen] if chosen is not None else None
    row = dict.fromkeys(NUMERIC, 0.0) | {"numeric": numeric}
    if mine is None or numeric < 0.6 or not found:
        return row | {"mine": float(mine is not None)}
    last = found[-3:]
    others = [value for at, value in enumerate(values) if value is not None and at != chosen]
    off = min(_off(value, mine) for value in last[-2:])
    ordered = sorted({mine, *others})
    rank = ordered.index(mine) / max(len(ordered) - 1, 1)
    return row | {
        "mine": 1.0,
        "arrives": float(close(last[-1], mine)),
        "arrives_near": float(any(close(value, mine, 0.02) for value in last)),
        "mentions": float(any(close(value, mine) for value in found)),
        "arrives_elsewhere": float(any(close(value, other) for value in last for other in others)),
        "off": min(off, 2) / 2,
        "power_off": float(any(close(value * 10.0**shift, mine, 0.02) for value in last for shift in SHIFTS)),
        "nearest": float(all(abs(last[-1] - mine) <= abs(last[-1] - other) for other in others)),
        "rank": rank,
        "extreme": float(rank in (0.0, 1.0)),
        "asked_for": float(any(close(number.value, mine) for number in numbers(parsed.question.stem))),
    }


def _off(value: float, mine: float) -> float:
    """Distance in decades."""
    if value == mine:
        return 0.0
    if value == 0 or mine == 0 or (value < 0) != (mine < 0):
        return 2.0
    return abs(log10(abs(value)) - log10(abs(mine)))


def _overlap(parsed: ParsedAnswer) -> dict[str, float]:
    """Does the derivation mention the option that was chosen, and more than of the others?"""
    names = ("said", "said_last", "said_more", "others_said", "verbatim", "others_verbatim", "own_words", "restates")
    row = dict.fromkeys(names, 0.0)
    options, chosen, text = parsed.question.options, parsed.chosen.index, parsed.chosen.derivation
    spoken = stems(text)
    asked = stems(parsed.question.stem)
    row["own_words"] = len(spoken - asked) / (len(spoken) or 1)
    row["restates"] = overlap(asked, spoken)
    if chosen is None:
        return row
    words = [stems(option) for option in options]
    shares = [overlap(each, spoken) for each in words]
    others = [each for at, each in enumerate(shares) if at != chosen]
    last = stems(" ".join(phrases.sentences(text)[-2:]))
    lowered = text.lower()
    said = [len(option) > 2 and option.lower().rstrip(".") in lowered for option in options]
    return row | {
        "said": shares[chosen],
        "said_last": overlap(words[chosen], last),
        "said_more": shares[chosen] - max(others, default=0.0),
        "others_said": sum(others) / (len(others) or 1),
        "verbatim": float(said[chosen]),
        "others_verbatim": float(any(hit for at, hit in enumerate(said) if at != chosen)),
    }
