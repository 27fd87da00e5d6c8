"""What a session adds to a decision: a tool loop goes on where it is, and leaving an engine has a price.

An engine that has read a session's prompt lately reads only what is new in the next one, and a provider bills the rest
at a tenth of the price. So the cost of one turn does not tell what a move costs: an ask takes several turns at the
engine that gets it, the first of them reads everything anew where the engine has not, and who comes back later may find
that the prefix is no longer kept.
"""

from collections.abc import Sequence
from decimal import Decimal

from backends.routing.decide.inputs import EngineView, Inputs
from backends.text.usd import usd
from backends.types import ZERO, Reason


def held_by_loop(inputs: Inputs, left: Sequence[EngineView]) -> EngineView | None:
    """The engine that a tool loop goes on at: the session's last one, where it may still answer."""
    return _home(inputs, left) if inputs.session.continues else None


def ask_usd(inputs: Inputs, view: EngineView) -> Decimal:
    """What an engine is expected to cost for the whole ask, coming back to the session's engine included.

    In a new session that is the cost of one turn.
    """
    further = Decimal(f"{max(0.0, inputs.session.turns_per_ask - 1):.2f}")
    return view.expected_usd + further * _warm_usd(view) + _return_usd(inputs, view)


def moved(inputs: Inputs, left: Sequence[EngineView], chosen: EngineView) -> list[Reason]:
    """Why the session stays where another engine would cost less, had it read the prompt; or what its move costs."""
    home = _home(inputs, left)
    if home is None or not inputs.answers_well(home) or inputs.preferred not in (None, home.zone):
        return []
    able = [view for view in left if view is not home and inputs.answers_well(view)]
    other = min(able, key=_warm_usd, default=home) if chosen is home else chosen
    saved = _times(inputs, _warm_usd(home) - _warm_usd(other))
    if other is home or saved <= 0:
        return []
    price = _return_usd(inputs, other) + (ZERO if other.warm else other.reread_usd)
    does = "would cost" if chosen is home else "costs"
    costs = f"re-reading {_thousands(inputs.session.read_tokens)} tokens {does} {usd(price)} of {usd(saved)} saved"
    return [Reason(rule="session", detail=f"stays, {costs}" if chosen is home else f"leaves {home.name}, {costs}")]


def _home(inputs: Inputs, left: Sequence[EngineView]) -> EngineView | None:
    return next((view for view in left if view.name == inputs.session.engine), None)


def _warm_usd(view: EngineView) -> Decimal:
    """What a turn costs once the engine has read the prompt's beginning."""
    return view.expected_usd if view.warm else max(ZERO, view.expected_usd - view.reread_usd)


def _times(inputs: Inputs, turn_usd: Decimal) -> Decimal:
    turns = Decimal(f"{max(1.0, inputs.session.turns_per_ask):.2f}")
    return (turn_usd * turns).quantize(MICRO)


def _return_usd(inputs: Inputs, view: EngineView) -> Decimal:
    """What the move to an engine is expected to add later: the session's engine is needed again, and has forgotten the
    prefix that it would still have, had it been asked now.
    """
    session = inputs.session
    if view.name == session.engine or session.ask_every_s is None:
        return ZERO
    home = _home(inputs, inputs.engines)
    if home is None or not home.warm or not home.warm_s < session.ask_every_s <= home.kept_s:
        return ZERO
    return (home.reread_usd * Decimal(f"{session.hard_share:.2f}")).quantize(MICRO)


def _thousands(tokens: int) -> str:
    return f"{tokens / 1000:.0f}k" if tokens >= 1000 else str(tokens)


MICRO = Decimal("0.000001")
