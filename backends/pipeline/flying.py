"""One flight from its engine to its committed row, whatever happens on the way."""

import asyncio

from backends.pipeline.dispatch import Answering
from backends.pipeline.flight import Flight
from backends.pipeline.settlement import Recorder


class Flying:
    def __init__(self, answering: Answering, recorder: Recorder) -> None:
        self._answering = answering
        self._recorder = recorder

    async def fly(self, flight: Flight) -> None:
        """Run the upstream call in a task that can be cut, then settle; a fault of our own settles too, and is
        raised. Nobody waits for the cache, nor loses an answer by its fault.
        """
        flight.upstream = upstream = asyncio.create_task(self._answering.answer(flight))
        if flight.cut is not None:
            upstream.cancel()
        try:
            flight.ending = await upstream
        except asyncio.CancelledError:
            if flight.cut is None:
                flight.cut = "closing"
                upstream.cancel()
                await asyncio.wait({upstream})
                raise
        finally:
            outcome = await self._recorder.landed(flight)
            flight.land(outcome)
        await self._recorder.keep(flight, outcome)
