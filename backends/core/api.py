"""The core's verbs. The console, the gateway and the commands know this Protocol and nothing behind it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Protocol

from backends.events import Event
from backends.types import Acted, Action, Chunk, Explanation, Request, Review, Snapshot, Status, Timeline


class Core(Protocol):
    """Answers prompts, reports its state, carries out actions. LocalCore is the core itself, RemoteCore a socket to it.

    Generators are closed by their caller (`contextlib.aclosing`); closing `ask` cancels the request.
    """

    def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        """Yield Routed, then Delta and Called, then exactly one Done.

        Raises WrongUse, Refused, NoEngine before the first chunk when the request was not admitted. An engine's
        failure is no exception: it is a Done with finish "error".
        """
        ...

    async def explain(self, request: Request) -> Explanation:
        """The decision, without the call and without a trace in the ledger.

        Where the request would be refused, it has the status and the line of the error. Raises WrongUse for what is no
        request at all.
        """
        ...

    async def snapshot(self, at: datetime | None = None) -> Snapshot:
        """Everything at this moment; with `at`, the beginning of that past minute as far as the ledger tells.

        What nobody recorded of the past is empty or None in it. Raises WrongUse for a moment in the future, and
        LedgerError.
        """
        ...

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        """What happened between two moments. Raises WrongUse for a span that is none or longer than 31 days, and
        LedgerError.
        """
        ...

    async def status(self) -> Status:
        """How bad it is, why, and what it costs: a few figures, in no more time than it takes to read them."""
        ...

    def events(self) -> AsyncGenerator[Event]:
        """Yield what happens from now on, until closed."""
        ...

    async def act(self, action: Action) -> Acted:
        """Carry out an operator's action and write it to the audit table. Raises WrongUse for an unknown target."""
        ...

    async def review(self) -> Review:
        """Where the last month's money went and what would save most; read from the ledger on demand."""
        ...
