"""Figures as text: right for a narrow column, with `–` for what is unknown and `0` for what is zero."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from console.present.rows import Row, Tone, span

UNKNOWN = "–"
_CENT = Decimal("0.01")
_SPARKS = "▁▂▃▄▅▆▇█"


def money(amount: Decimal | None, *, estimated: bool = False) -> str:
    """`$1.42`; below a dollar four decimals, below those `<$0.0001`."""
    if amount is None:
        return UNKNOWN
    if amount == 0:
        return "0"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size < Decimal("0.00005"):
        return f"{sign}<$0.0001"
    places = _CENT if size >= 1 else Decimal("0.0001")
    return f"{'≈' if estimated else ''}{sign}${size.quantize(places, ROUND_HALF_UP):,}"


def total(amount: Decimal | None) -> str:
    """Money in whole cents, but never a spent fraction of a cent as zero."""
    if amount is None or amount == 0 or abs(amount) < _CENT:
        return money(amount)
    return f"{'-' if amount < 0 else ''}${abs(amount).quantize(_CENT, ROUND_HALF_UP):,}"


def limit(amount: Decimal) -> str:
    """A budget's limit: `$5`, `$2.50`."""
    return f"${amount.quantize(Decimal(1)):,}" if amount == amount.to_integral_value() else total(amount)


def milliseconds(value: float | None) -> str:
    """`840`, `2,140`; from 100 seconds on `104 s`."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value < 100_000 else f"{value / 1000:,.0f} s"


def seconds(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def unit(value: float) -> str:
    """A probability or complexity, 0..1: `.74`, `1.0`."""
    return f"{value:.2f}".removeprefix("0") if 0 <= value < 0.995 else f"{value:.1f}"


def percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f} %"


def share(part: Decimal | float, whole: Decimal | float) -> str:
    """A part as a percentage; unknown where there is no whole."""
    return percent(float(part) / float(whole) * 100) if whole else UNKNOWN


def count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def size(value: float | None) -> str:
    """Bytes: `940 B`, `9.1 MB`, `24.0 GB` (of 1024)."""
    if value is None:
        return UNKNOWN
    for name in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {name}" if name == "B" or value >= 100 else f"{value:.1f} {name}"
        value /= 1024
    return f"{value:,.1f} GB"


def gigabytes(used: int | None, whole: int | None) -> str:
    """`11.2/24.0 GB`."""
    if used is None and whole is None:
        return UNKNOWN
    used_text, whole_text = (UNKNOWN if v is None else f"{v / 1024**3:.1f}" for v in (used, whole))
    return f"{used_text}/{whole_text} GB"


def clock(at: datetime | None, *, minutes: bool = False) -> str:
    """The local time of day, `14:02:51`."""
    return UNKNOWN if at is None else at.astimezone().strftime("%H:%M" if minutes else "%H:%M:%S")


def moment(at: datetime | None, now: datetime | None = None) -> str:
    """The local time, with its day where that is not the day of `now`: `14:02`, `1 Dec 00:00`."""
    if at is None:
        return UNKNOWN
    local = at.astimezone()
    same = now is not None and local.date() == now.astimezone().date()
    return local.strftime("%H:%M") if same else f"{local.day} {local:%b %H:%M}"


def sparkline(series: Sequence[float | None], cells: int, *, top: float | None = None) -> str:
    """The newest `cells` points, newest at the right; an unknown one is `·`. `top` is the value of a full block."""
    points = list(series[-cells:]) if cells > 0 else []
    known = [point for point in points if point is not None]
    if not known:
        return "·" * len(points)
    ceiling = max(top if top is not None else 0.0, *known) or 1.0
    last = len(_SPARKS) - 1
    return "".join(
        "·" if point is None else _SPARKS[max(0, min(last, round(point / ceiling * last)))] for point in points
    )


def bar(*parts: tuple[float, Tone, str], cells: int) -> Row:
    """Shares of 1 as neighbouring stretches of a line of exactly `cells` cells, the rest a thin line.

    Each part is (share, tone, character). A share above zero is never invisible while there is room.
    """
    spans = []
    left = max(0, cells)
    for portion, tone, character in parts:
        wanted = max(0, round(portion * cells)) or (1 if portion > 0 else 0)
        length = min(left, wanted)
        if length:
            spans.append(span(character * length, tone))
        left -= length
    if left:
        spans.append(span("─" * left, "border"))
    return tuple(spans)


def meter(used: float | None, cells: int) -> Row:
    """How full something is, 0..1: calm, then warning from 85 %, then alarming from 95 %."""
    if used is None:
        return (span("─" * max(0, cells), "border"),)
    tone: Tone = "bad" if used >= 0.95 else "warn" if used >= 0.85 else "good"
    return bar((used, tone, "━"), cells=cells)
