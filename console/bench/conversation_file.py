"""A conversation as a file: JSON or Markdown, private, and never over another file unless the operator says so."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from backends.errors import WrongUse
from backends.paths import open_private, replace_private
from backends.text.measures import count
from backends.text.times import milliseconds
from backends.text.usd import usd
from backends.types import Outcome
from console.bench.clipboard import clean
from console.widgets.chat_turn import ChatTurn

Exchanges = Sequence[Sequence[ChatTurn]]
"""Prompts from first to last, each with the turn that answered it, or the candidates of a comparison."""


def as_json(exchanges: Exchanges, at: datetime, *, rehearsal: bool) -> str:
    """`{"exported_at", "rehearsal", "turns": [{"prompt", "files", "agent", "system", "answers": [...]}]}`.

    Money is text. In a rehearsal the engines are simulated.
    """
    written = {"exported_at": at.isoformat(), "rehearsal": rehearsal, "turns": [_turn(turns) for turns in exchanges]}
    return json.dumps(written, indent=2) + "\n"  # ASCII alone: no code of an answer drives a terminal that shows it


def as_markdown(exchanges: Exchanges, at: datetime, *, rehearsal: bool) -> str:
    """A heading for each prompt and each answer; an answer's own Markdown stays, what could drive a terminal goes."""
    parts = [f"# Conversation, {at:%Y-%m-%d %H:%M} UTC"]
    parts += ["Rehearsal: the engines were simulated."] if rehearsal else []
    for number, turns in enumerate(exchanges, start=1):
        first = turns[0]
        parts += [f"## {number}. Prompt as {first.request.agent}", first.typed.text]
        parts += (
            [f"Files: {', '.join(each.label for each in first.typed.attachments)}"] if first.typed.attachments else []
        )
        for turn in turns:
            engine, model = _answered_by(turn)
            parts += [f"### {engine} {model}".rstrip(), turn.answer or "(no answer)", f"*{_figures(turn)}*"]
    return clean("\n\n".join(parts) + "\n")


def write(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a file of mode 0600. Raises FileExistsError where there is one and `replace` is not set, else WrongUse.

    A symbolic link is never followed to another file: with `replace` it is the link that goes.
    """
    try:
        if replace:
            replace_private(path, text.encode(errors="replace"))
        else:
            with open(path, "x", encoding="utf-8", errors="replace", opener=open_private) as file:
                file.write(text)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WrongUse(f"{path} cannot be written ({reason})") from None


def _turn(turns: Sequence[ChatTurn]) -> dict[str, Any]:
    first = turns[0]
    system = next((each.text for each in first.request.messages if each.role == "system"), "")
    return {
        "prompt": first.typed.text,
        "files": [each.name for each in first.typed.attachments],
        "agent": first.request.agent,
        "system": system,
        "answers": [_answer(turn) for turn in turns],
    }


def _answer(turn: ChatTurn) -> dict[str, Any]:
    engine, model = _answered_by(turn)
    sampling = turn.request.sampling
    answer: dict[str, Any] = {
        "id": turn.name,
        "engine": engine,
        "model": model,
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
        "thinking": sampling.effort,
        "text": turn.answer,
        "finish": turn.outcome.finish if turn.outcome else "cancelled" if turn.cancelled else None,
        "error": turn.failure or (turn.outcome.error if turn.outcome else None),
    }
    return answer | (_known(turn.outcome) if turn.outcome else {})


def _known(outcome: Outcome) -> dict[str, Any]:
    tokens = outcome.tokens
    return {
        "tokens": {
            "input": tokens.input,
            "output": tokens.output,
            "thinking": tokens.thinking,
            "cached_input": tokens.cached_input,
        },
        "cost_usd": f"{outcome.cost_usd:f}",
        "usage_estimated": outcome.usage_estimated,
        "ttft_ms": outcome.ttft_ms,
        "latency_ms": outcome.latency_ms,
        "notes": list(outcome.notes),
        "ignored": list(outcome.ignored),
    }


def _answered_by(turn: ChatTurn) -> tuple[str, str]:
    known = turn.outcome or turn.explanation
    return (known.engine, known.model) if known else (turn.request.engine, turn.request.model or "")


def _figures(turn: ChatTurn) -> str:
    if turn.outcome is None:
        return turn.failure or ("cancelled" if turn.cancelled else "not ended yet")
    it = turn.outcome
    mark = "≈" if it.usage_estimated else ""
    tokens = f"{mark}{count(it.tokens.input)} in, {mark}{count(it.tokens.output)} out"
    thinking = f", {mark}{count(it.tokens.thinking)} thinking" if it.tokens.thinking else ""
    cost = usd(it.cost_usd, estimated=it.usage_estimated)
    times = f"first {milliseconds(it.ttft_ms)} ms, {milliseconds(it.latency_ms)} ms"
    return f"{it.finish}: {tokens}{thinking}, {cost}, {times}" + (f", {it.error}" if it.error else "")
