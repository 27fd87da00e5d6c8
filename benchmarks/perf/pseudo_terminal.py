"""A pseudo-terminal around a program: what it writes, how long keys take to be seen, what it costs."""

import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pexpect
import psutil

WAIT_S = 20.0
LOST_S = 2.0
PAUSE_S = (0.01, 0.06)
"""Between two keys, at random, so that they do not keep step with the frames."""

ECHOES = "БГДЖЗИЛПФЦЧШЩЪЫЭЮЯ"
"""Letters that are nowhere on screen, so that one of them in the output is the echo of its key."""

CHUNK_B = 512
BACKSPACE = "\x7f"


class Terminal:
    """A program in a terminal of `size` (rows, columns) that answers no queries. With `bytes_s` it takes no more than
    that a second, as a slow line does; the kernel's own buffer is all that lies between.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: dict[str, str],
        *,
        size: tuple[int, int] = (40, 120),
        bytes_s: float | None = None,
    ) -> None:
        self.started = time.monotonic()
        self.bytes_s = bytes_s
        self._child = pexpect.spawn(command[0], [*command[1:]], env=env, dimensions=size, timeout=WAIT_S)
        self._child.delaybeforesend = None  # pexpect would wait 50 ms before each key
        self.process = psutil.Process(self._child.pid)

    def painted(self, text: str) -> float:
        """Milliseconds from the start until `text` was written."""
        self._child.expect_exact(text)
        return (time.monotonic() - self.started) * 1000

    def read_for(self, seconds: float) -> int:
        """Take what it writes; returns the bytes."""
        return sum(map(len, self._chunks(time.monotonic() + seconds)))

    def _chunks(self, until: float) -> Iterator[bytes]:
        while (left := until - time.monotonic()) > 0:
            with suppress(pexpect.TIMEOUT):
                chunk = self._child.read_nonblocking(CHUNK_B if self.bytes_s else 65_536, timeout=left)
                if self.bytes_s:
                    time.sleep(len(chunk) / self.bytes_s)
                yield chunk

    def echo(self, letter: str) -> float | None:
        """Milliseconds until a key is on screen; None for a lost one."""
        begun, seen = time.monotonic(), b""
        self._child.send(letter)
        for chunk in self._chunks(begun + LOST_S):
            seen += chunk
            if letter.encode() in seen:
                return (time.monotonic() - begun) * 1000
        return None

    def send(self, keys: str) -> None:
        self._child.send(keys)

    def cost(self, seconds: float) -> dict[str, float]:
        """CPU in per cent of a core, bytes a second, resident MB at the end."""
        before, begun = self.process.cpu_times(), time.monotonic()
        written = self.read_for(seconds)
        after, took = self.process.cpu_times(), time.monotonic() - begun
        cpu = (after.user + after.system - before.user - before.system) / took
        return {"cpu_pct": cpu * 100, "bytes_s": written / took, "rss_mb": self.process.memory_info().rss / 1e6}

    def close(self) -> None:
        self._child.close(force=True)


@contextmanager
def terminal(
    command: Sequence[str], env: dict[str, str], *, size: tuple[int, int] = (40, 120), bytes_s: float | None = None
) -> Iterator[Terminal]:
    opened = Terminal(command, env, size=size, bytes_s=bytes_s)
    try:
        yield opened
    finally:
        opened.close()


def keys(opened: Terminal, presses: int) -> tuple[float, float, int]:
    """Milliseconds at p50 and p99 until a typed letter is seen, and how many never were, which count as `LOST_S`."""
    pauses = random.Random(1)
    echoes: list[float | None] = []
    while len(echoes) < presses:
        word = ECHOES[: presses - len(echoes)]
        for letter in word:
            opened.read_for(pauses.uniform(*PAUSE_S))
            echoes.append(opened.echo(letter))
        opened.send(BACKSPACE * len(word))  # or a letter on screen would be taken for its next echo
        opened.read_for(0.5)
    heard = sorted(LOST_S * 1000 if echo is None else echo for echo in echoes)
    return statistics.median(heard), heard[int(len(heard) * 0.99) - 1], echoes.count(None)


def rounded(*values: float) -> tuple[float, ...]:
    return tuple(round(value, 2) for value in values)
