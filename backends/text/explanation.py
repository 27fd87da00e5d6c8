"""An explanation in words, as labelled lines: `claw explain` prints them, the console's why view draws them."""

from backends.text.measures import probability
from backends.text.times import seconds
from backends.text.usd import about_usd
from backends.types import ZERO, Alternative, Explanation

Line = tuple[str, str]
"""A label and its text."""


def read_from_prompt(explanation: Explanation) -> list[Line]:
    """Intent and its runner-up, complexity and the expected quality against the dial, needs, sensitivity."""
    classes = explanation.classes
    if classes is None:
        complexity = ("complexity", probability(explanation.complexity))
        return [("intent", explanation.intent), complexity, _sensitive(explanation)]
    intent = f"{classes.intent} {probability(classes.intent_p)}"
    if classes.runner_up:
        intent += f" (next: {classes.runner_up} {probability(classes.runner_up_p)})"
    needs = ", ".join(sorted(classes.needs)) or "none"
    if classes.language:
        needs += f"; language {classes.language}"
    return [
        ("intent", intent),
        ("complexity", f"{probability(explanation.complexity)}; {_expected_quality(explanation)}"),
        ("needs", f"{needs}; ~{classes.input_tokens:,} tokens in"),
        _sensitive(explanation),
    ]


def made_of(explanation: Explanation) -> list[Line]:
    """The ask, what surrounds it and its session, as far as they are known."""
    shown = []
    if explanation.ask:
        shown.append(("ask", " ".join(explanation.ask.split())))
    around = [f"{kind} {count:,}" for kind, count in explanation.envelope.items()]
    if len(around) > 1:
        shown.append(("envelope", f"{', '.join(around)} characters"))
    if explanation.session:
        shown.append(("session", explanation.session))
    return shown


def refusal(explanation: Explanation) -> list[Line]:
    """The status and the line of the error that the request would get; nothing where it would be answered."""
    return [("refused", f"{explanation.status}: {explanation.error}")] if explanation.error else []


def queue(explanation: Explanation) -> list[Line]:
    """The local queue and the deadline, and whether they decided; nothing where they were not considered."""
    weighed = explanation.weighed
    if weighed is None:
        return []
    wait = "" if weighed.wait_s is None else f", ~{seconds(weighed.wait_s)}" if weighed.wait_s else ", no wait"
    decided = any(reason.rule == "deadline" for reason in explanation.reasons)
    role = "the reason" if decided else "not the reason"
    return [("queue", f"{weighed.waiting} waiting{wait}; deadline {weighed.deadline_s:g} s: {role}")]


def all_cloud(explanation: Explanation) -> list[Line]:
    """The expected cost in the cloud, and the expected saving."""
    if explanation.weighed is None or explanation.weighed.all_cloud_usd is None:
        return []
    expected = explanation.weighed.all_cloud_usd
    saved = max(ZERO, expected - explanation.estimate.cost_usd)
    return [("all-cloud", f"{about_usd(expected)}, saved {about_usd(saved)}")]


def verdict(alternative: Alternative) -> str:
    """Why a candidate was not chosen: "ruled out by quality: .61 < .80", or that another one was better."""
    if alternative.ruled_out_by is None:
        return "possible, but not the best"
    return f"ruled out by {alternative.ruled_out_by}{f': {alternative.detail}' if alternative.detail else ''}"


def _expected_quality(explanation: Explanation) -> str:
    classes, weighed = explanation.classes, explanation.weighed
    if classes is None:
        return ""
    local = f"local answers well {probability(classes.p_local if weighed is None else weighed.p_local)}"
    if weighed is not None:
        sign = "≥" if weighed.p_local >= weighed.asked else "<"
        dial = f"dial {probability(weighed.dial)} by {weighed.dial_by.replace('-', ' ')}"
        local += f" {sign} {probability(weighed.asked)} required ({dial})"
    unfamiliar = "" if classes.familiar else "; unlike the training data, so estimated from its length"
    return f"{local}; cloud {probability(classes.p_cloud)}{unfamiliar}"


def _sensitive(explanation: Explanation) -> Line:
    verdict = explanation.verdict
    why = f": {verdict.why}" if explanation.sensitive and verdict and verdict.why else ""
    return "sensitive", f"yes{why}" if explanation.sensitive else "no"
