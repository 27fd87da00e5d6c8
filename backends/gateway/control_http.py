"""`POST /claw/control`: the control socket's frames over HTTP, for a console behind a tunnel.

It needs the token that `claw serve` writes to the run folder, whether or not agents have keys.
"""

from contextlib import aclosing

from backends.core import wire as frames
from backends.errors import ClawError
from backends.gateway.control_socket import line_of, replies, scope_for
from backends.gateway.http_errors import ShuttingDown
from backends.gateway.http_exchange import HttpExchange
from backends.off_loop import off_loop

NDJSON = b"application/x-ndjson"


async def control(exchange: HttpExchange) -> None:
    """One call in the body, its frames as lines of the response."""
    try:
        call = await off_loop(len(exchange.body), lambda: frames.decode_call(exchange.body))
        scope = scope_for(call, exchange.shutdown)
    except ClawError as error:
        await exchange.answer(line_of(frames.failure(error)), kind=NDJSON)
        return
    await exchange.start(200, NDJSON, [(b"cache-control", b"no-store")])
    async with scope:
        with exchange.hold(scope):
            async with aclosing(replies(exchange.core, call)) as answer:
                async for frame in answer:
                    await exchange.write(line_of(frame))
    if scope.cause == "shutdown":
        await exchange.write(line_of(frames.failure(ShuttingDown("the core shut down before the answer ended"))))
    if scope.cause != "disconnected":
        await exchange.end()
