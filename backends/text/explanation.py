"""A decision's evidence in words, a labelled line each: `claw explain` prints it, the console's why screen draws it."""

from decimal import Decimal

from backends.types import ZERO, Alternative, Explanation

Line = tuple[str, str]
"""A label and what is said of it."""


def read_from_prompt(told: Explanation) -> list[Line]:
    """Intent and its runner-up, difficulty against what the dial asks for, needs, sensitivity."""
    classes = told.classes
    if classes is None:
        return [("intent", told.intent), ("complexity", unit(told.complexity)), _sensitive(told)]
    intent = f"{classes.intent} {unit(classes.intent_p)}"
    if classes.runner_up:
        intent += f" (next: {classes.runner_up} {unit(classes.runner_up_p)})"
    needs = ", ".join(sorted(classes.needs)) or "none"
    if classes.language:
        needs += f"; language {classes.language}"
    return [
        ("intent", intent),
        ("complexity", f"{unit(told.complexity)}; {_chances(told)}"),
        ("needs", f"{needs}; ~{classes.input_tokens:,} tokens in"),
        _sensitive(told),
    ]


def queue(told: Explanation) -> list[Line]:
    """The local queue and the deadline, and whether they decided; nothing where they were not looked at."""
    weighed = told.weighed
    if weighed is None:
        return []
    wait = "" if weighed.wait_s is None else f", ~{weighed.wait_s:.1f} s" if weighed.wait_s else ", no wait"
    decided = any(reason.rule == "deadline" for reason in told.reasons)
    role = "the reason" if decided else "not the reason"
    return [("queue", f"{weighed.waiting} waiting{wait}; deadline {weighed.deadline_s:g} s: {role}")]


def all_cloud(told: Explanation) -> list[Line]:
    """What the cloud was expected to cost, and what going elsewhere is expected to save."""
    if told.weighed is None or told.weighed.all_cloud_usd is None:
        return []
    expected = told.weighed.all_cloud_usd
    saved = max(ZERO, expected - told.estimate.cost_usd)
    return [("all-cloud", f"{about(expected)}, saved {about(saved)}")]


def verdict(way: Alternative) -> str:
    """Why a way was not taken: "ruled out by quality: .61 < .80", or that it was second best."""
    if way.ruled_out_by is None:
        return "second best"
    return f"ruled out by {way.ruled_out_by}{f': {way.detail}' if way.detail else ''}"


def unit(value: float) -> str:
    """A probability or complexity, 0..1: `.74`, `1.0`."""
    return f"{value:.2f}".removeprefix("0") if 0 <= value < 0.995 else f"{value:.1f}"


def usd(amount: Decimal) -> str:
    """An expected amount: `$1.42`, `$0.0021` below a dollar, `<$0.0001` below those, `0` for nothing."""
    if not amount:
        return "0"
    if amount < Decimal("0.00005"):
        return "<$0.0001"
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.4f}"


def about(amount: Decimal) -> str:
    """`~$0.0021`, where it is not certain to be nothing."""
    return f"{'~' if amount >= Decimal('0.00005') else ''}{usd(amount)}"


def _chances(told: Explanation) -> str:
    classes, weighed = told.classes, told.weighed
    if classes is None:
        return ""
    local = f"local answers well {unit(classes.p_local if weighed is None else weighed.p_local)}"
    if weighed is not None:
        sign = "≥" if weighed.p_local >= weighed.asked else "<"
        dial = f"dial {unit(weighed.dial)} by {weighed.dial_by.replace('-', ' ')}"
        local += f" {sign} {unit(weighed.asked)} asked for ({dial})"
    strange = "" if classes.familiar else "; unlike what the weights learned from, so by its length"
    return f"{local}; cloud {unit(classes.p_cloud)}{strange}"


def _sensitive(told: Explanation) -> Line:
    why = f": {told.verdict.why}" if told.sensitive and told.verdict and told.verdict.why else ""
    return "sensitive", f"yes{why}" if told.sensitive else "no"
