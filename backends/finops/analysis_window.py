"""The analysis window: the rows of a span with prices and settings, as every search for savings takes them."""

import json
import re
import shlex
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backends.agent_names import spelled
from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.request_rows import stamp
from backends.settings.model import Settings
from backends.types import LOCAL, ZERO, EngineName, Tokens

MONTH_DAYS = Decimal("30.44")
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class AnalysisWindow:
    """The span is [since, until), UTC."""

    db: sqlite3.Connection
    since: datetime
    until: datetime
    prices: Prices
    settings: Settings

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Rows of a query whose first two parameters are the span's ends."""
        return self.db.execute(sql, (stamp(self.since), stamp(self.until), *values)).fetchall()

    def a_month(self, usd: Decimal) -> Decimal:
        """What `usd` in the span comes to in a month, to the cent; a span shorter than a day counts as one."""
        days = max(Decimal(1), Decimal((self.until - self.since).total_seconds()) / 86_400)
        return (usd / days * MONTH_DAYS).quantize(CENT)

    def set_agent(self, agent: str, setting: str, value: str) -> str:
        """The command that changes one setting of an agent. An agent without a table has those of `default`: a table of
        its own would change all its other settings too.
        """
        known = self.settings.agents
        name = spelled(agent, known) or ("default" if "default" in known else agent)
        return f"{set_command('agents', name, setting)} {value}"

    @property
    def local_places(self) -> int:
        """How many calls the operator's own engines answer at once."""
        engines = (self.settings.engines[name] for name in self.settings.engines_in(LOCAL))
        return sum(engine.parallel * len(engine.addresses) for engine in engines)

    def price_of(self, model: str, row: sqlite3.Row) -> Decimal | None:
        """US dollars today for a row's `requests` with its sums of tokens, by `model` at the row's engine. Tiers go by
        a single call, so the mean call is priced.
        """
        requests = row["requests"]
        mean = Tokens(
            input=row["input"] // requests,
            output=row["output"] // requests,
            thinking=row["thinking"] // requests,
            cached_input=row["cached"] // requests,
        )
        usd = self.price(row["engine"], model, mean)
        return None if usd is None else usd * requests

    def price(self, engine: EngineName, model: str, tokens: Tokens) -> Decimal | None:
        """US dollars for `tokens` today; None where no price is known."""
        try:
            return self.prices.cost(engine, model, tokens, self.until).usd
        except UnknownPrice:
            return None


def set_command(table: str, name: str, setting: str) -> str:
    """The command, for a POSIX shell, that changes a setting of claw.toml; its value is to follow."""
    return f"claw config set {table}.{quoted(name)}.{setting}"


def quoted(name: str) -> str:
    """A name as a part of a TOML key, as a POSIX shell takes it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else shlex.quote(json.dumps(name, ensure_ascii=False))


def money(value: object) -> Decimal:
    """A `usd_sum` column; NULL over no rows is nothing."""
    return ZERO if value is None else Decimal(str(value))
