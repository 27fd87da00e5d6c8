"""The table `[sessions]` of claw.toml: when a session is paused because it gets nowhere."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from backends.settings.money import is_amount
from backends.settings.section import Section


class SessionLimits(Section, frozen=True, kw_only=True):
    detect_loops: Annotated[
        bool, Meta(description="whether a session is paused that makes the same calls with the same results")
    ] = True
    repeats: Annotated[
        Annotated[int, Meta(ge=2, le=100)],
        Meta(description="how often the same call with the same result may come before the session is paused"),
    ] = 3
    usd_per_hour: Annotated[
        Decimal,
        Meta(description="a session that spends faster than this is paused, measured over six minutes; 0 never pauses"),
    ] = Decimal("10.00")

    def __post_init__(self) -> None:
        if not is_amount(self.usd_per_hour):
            raise ValueError('`usd_per_hour` must be 0 or more, with at most 12 decimals, as "10.00"')
