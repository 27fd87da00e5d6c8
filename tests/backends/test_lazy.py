import asyncio
import threading

from backends.lazy import Lazy


async def test_it_is_built_once_for_all_who_want_it_and_off_the_loop() -> None:
    built: list[threading.Thread] = []

    def build() -> object:
        built.append(threading.current_thread())
        return object()

    late = Lazy(build)
    things = await asyncio.gather(*(late.get() for _ in range(10)))
    assert len(set(map(id, things))) == 1
    assert len(built) == 1
    assert built[0] is not threading.main_thread()
