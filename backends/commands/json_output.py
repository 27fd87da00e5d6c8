"""Outcomes and explanations as `--json` prints them, and an outcome as an exit code."""

import re
from typing import Any

import msgspec

from backends.types import Attempt, Explanation, Outcome

BEYOND_ASCII = re.compile(r"[^ -~]+")
"""A control character or a letter beyond ASCII; outside of strings JSON has none."""


def encoded(value: Any) -> str:
    """JSON on one line, in ASCII: what is foreign in it acts on no terminal, and reads the same in every locale."""
    return BEYOND_ASCII.sub(_escaped, msgspec.json.encode(value).decode())


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def outcome_as_json(outcome: Outcome, text: str) -> dict[str, Any]:
    """The keys of `claw ask --json`, in the documented order; `notes` only where there are some, and a call's `role`
    only where it is not "answer".
    """
    notes = {"notes": outcome.notes} if outcome.notes else {}
    return {
        "id": outcome.id,
        "agent": outcome.agent,
        "text": text,
        "engine": outcome.engine,
        "model": outcome.model,
        "intent": outcome.intent,
        "complexity": round(outcome.complexity, 3),
        "sensitive": outcome.sensitive,
        "reasons": outcome.reasons,
        "cache": outcome.cache,
        "tokens": outcome.tokens,
        "cost_usd": f"{outcome.cost_usd:f}",
        "baseline_usd": f"{outcome.baseline_usd:f}",
        "ttft_ms": outcome.ttft_ms,
        "latency_ms": outcome.latency_ms,
        "finish": outcome.finish,
        "attempts": [_attempt(attempt) for attempt in outcome.attempts],
        "zone": outcome.zone,
        "session": outcome.session,
    } | notes


def _attempt(attempt: Attempt) -> dict[str, Any]:
    role = {"role": attempt.role} if attempt.role != "answer" else {}
    return {"engine": attempt.engine, "model": attempt.model, "error": attempt.error} | role


def explanation_as_json(explanation: Explanation) -> dict[str, Any]:
    """The keys of `claw explain --json`, in the documented order; `alternatives` are all other candidates.

    `engine` is "" where `status` is an error's.
    """
    return {
        "agent": explanation.agent,
        "engine": explanation.engine,
        "model": explanation.model,
        "intent": explanation.intent,
        "complexity": round(explanation.complexity, 3),
        "sensitive": explanation.sensitive,
        "reasons": explanation.reasons,
        "decision_us": explanation.decision_us,
        "estimate": _estimate(explanation),
        "alternatives": [
            {
                "engine": alternative.engine,
                "model": alternative.model,
                "cost_usd": None if alternative.cost_usd is None else f"{alternative.cost_usd:f}",
                "latency_ms": alternative.latency_ms,
                "ruled_out_by": alternative.ruled_out_by,
                "detail": alternative.detail,
                "zone": alternative.zone,
                "quality": _rounded(alternative.quality),
            }
            for alternative in explanation.alternatives
        ],
        "zone": explanation.zone if explanation.engine else "",
        "quality": _rounded(explanation.quality),
        "session": explanation.session,
        "ask": explanation.ask,
        "envelope": [{"kind": kind, "characters": count} for kind, count in explanation.envelope.items()],
        "status": explanation.status,
        "error": explanation.error,
    }


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 3)


def _estimate(explanation: Explanation) -> dict[str, Any]:
    return {"cost_usd": f"{explanation.estimate.cost_usd:f}", "latency_ms": explanation.estimate.latency_ms}


def exit_code(outcome: Outcome) -> int:
    """0 for an answer, also one at its length limit; 1 where the operator cancelled it or the ledger failed; 3 where
    the engine's own policy or a budget refused it; 4 where no engine gave a whole answer.
    """
    match outcome.finish:
        case "stop" | "length":
            return 0
        case "blocked":
            return 3
        case "cancelled":
            return 1
        case "error":
            return 3 if outcome.error_kind == "budget" else 1 if outcome.error_kind == "ledger" else 4
