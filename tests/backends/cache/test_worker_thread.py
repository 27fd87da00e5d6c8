import asyncio
import threading

import pytest

from backends.cache.worker_thread import WorkerThread


async def test_jobs_run_in_order_on_one_thread() -> None:
    worker = WorkerThread("w")
    seen = [await job for job in [worker.submit(lambda n=n: (n, threading.current_thread().name)) for n in range(3)]]  # type: ignore[misc]
    assert seen == [(0, "w"), (1, "w"), (2, "w")]
    await worker.close(patience_s=5)


async def test_an_error_reaches_who_asked_and_the_thread_goes_on() -> None:
    worker = WorkerThread("w")
    with pytest.raises(ZeroDivisionError):
        await worker.submit(lambda: 1 // 0)
    assert await worker.submit(lambda: 7) == 7
    await worker.close(patience_s=5)


async def test_a_job_that_was_cancelled_while_it_waited_is_not_run() -> None:
    worker, gate, ran = WorkerThread("w"), threading.Event(), []
    first = worker.submit(lambda: gate.wait(10))
    second = worker.submit(lambda: ran.append(1))
    second.cancel()
    await asyncio.sleep(0)
    gate.set()
    await first
    await worker.close(patience_s=5)
    assert ran == []


async def test_closing_does_not_wait_for_a_job_that_hangs() -> None:
    worker, gate = WorkerThread("w"), threading.Event()
    job = worker.submit(lambda: gate.wait(10))
    await worker.close(patience_s=0.01)
    assert not job.done()
    gate.set()
    assert await job
