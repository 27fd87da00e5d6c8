"""A measured figure beside its goal."""

from msgspec import Struct


class Figure(Struct, frozen=True):
    """What was measured, its value and its goal as a reader sees them ("0.97", "≥ .95"), and whether it was met."""

    name: str
    value: str
    goal: str
    met: bool


def at_least(name: str, value: float, goal: float) -> Figure:
    """A share or a correlation that must reach its goal."""
    return Figure(name, f"{value:.3f}", f"≥ {goal:g}", value >= goal)


def at_most(name: str, value: float, goal: float, unit: str = "") -> Figure:
    """A value that must not exceed its goal; `unit` stands behind both."""
    behind = f" {unit}" if unit else ""
    return Figure(name, f"{value:.3g}{behind}", f"≤ {goal:g}{behind}", value <= goal)
