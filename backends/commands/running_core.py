"""An operator's action on the core that runs here, for the commands that need one."""

import asyncio

from backends.bootstrap.connect import attach
from backends.core.remote import is_running
from backends.errors import Unreachable
from backends.paths import Paths
from backends.types import Acted, Action


async def act(action: Action, *, rehearse: bool, remedy: str) -> Acted:
    """Raises Unreachable where no core runs, with `remedy`, or with the flag that reaches one in rehearsal."""
    try:
        async with attach(str(Paths.find(rehearsal=rehearse).socket)) as opened:
            return await opened.core.act(action)
    except Unreachable:
        if not rehearse and await asyncio.to_thread(is_running, Paths.find(rehearsal=True)):
            remedy = "the one that runs is in rehearsal, so add --rehearse"
        raise Unreachable(f"no core is running here: {remedy}") from None
