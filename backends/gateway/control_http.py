"""`POST /claw/control`: the control socket's words over HTTP, for a console behind a tunnel.

It needs the token that `claw serve` writes to the run folder, whether or not agents have keys.
"""

import secrets
from contextlib import aclosing

from backends.core import wire as frames
from backends.errors import ClawError
from backends.gateway.control import leash_for, line_of, replies
from backends.gateway.refusal import Draining, Turned
from backends.gateway.visit import Visit
from backends.off_loop import off_loop

NDJSON = b"application/x-ndjson"


def check_token(authorization: str | None, token: str | None) -> None:
    """Raises Turned (401) for anything but this run's token."""
    scheme, _, given = (authorization or "").partition(" ")
    known = token is not None and secrets.compare_digest(given.strip().encode("latin-1"), token.encode())
    if scheme.lower() != "bearer" or not known:
        raise Turned(401, "token", "the control token is missing or wrong: `claw serve` writes it to control.token")


async def control(visit: Visit) -> None:
    try:
        call = await off_loop(len(visit.body), lambda: frames.decode_call(visit.body))
        leash = leash_for(call, visit.drain)
    except ClawError as error:
        await visit.answer(line_of(frames.failure(error)), kind=NDJSON)
        return
    await visit.start(200, NDJSON, [(b"cache-control", b"no-store")])
    async with leash:
        with visit.hold(leash):
            async with aclosing(replies(visit.core, call)) as answer:
                async for frame in answer:
                    await visit.write(line_of(frame))
    if leash.cause == "drained":
        await visit.write(line_of(frames.failure(Draining("the core shut down before the answer ended"))))
    if leash.cause != "left":
        await visit.end()
