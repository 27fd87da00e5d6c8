"""A setting that has another value for a while, such as the threshold of an alert; it falls back by itself."""

from collections.abc import Callable, Sequence

from backends.settings.alert_limits import AlertLimits
from backends.types import Action
from console.overlays.text_fields import TextField, TextFieldsOverlay

HOUR = "60"
"""The minutes that are offered."""
OFFERED = [*(f"alerts.{name}" for name in AlertLimits.__struct_fields__), "router.dial", "router.deadline_s"]
NOTE = "Enter goes on, and after the last one sets it; esc closes. Without minutes it holds until it is unset."


def setting_overlay(key: str, typed_by_hand: Callable[[], bool]) -> TextFieldsOverlay:
    """Asks for a value and for how long; also for the setting where `key` is "". `action_of` reads the answer."""
    asked = [TextField("value"), TextField("minutes", HOUR)]
    if key:
        return TextFieldsOverlay(f"Set {key}", asked, typed_by_hand=typed_by_hand, note=NOTE)
    which = TextField("setting", "alerts.", lambda _: OFFERED)
    note = f"tab completes the setting. {NOTE}"
    return TextFieldsOverlay("Set a setting", [which, *asked], typed_by_hand=typed_by_hand, note=note)


def action_of(key: str, texts: Sequence[str]) -> Action:
    """What to do with the texts of the overlay for `key`. Raises ValueError for minutes that are no number."""
    *which, value, minutes = (text.strip() for text in texts)
    span = float(minutes) if minutes else None
    return Action(verb="set", actor="console", key=key or which[0], value=value, minutes=span)
