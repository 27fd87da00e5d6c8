import asyncio
import os
import resource
import signal
import socket
import stat
from pathlib import Path

import pytest

from backends.commands import main, serve
from backends.gateway.graceful_shutdown import GracefulShutdown


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "[::]", "192.168.1.1", "example.com", "", "127.0.0.1.evil.example", "::ffff:8.8.8.8", "0"]
)
def test_s1_only_loopback_is_served(host: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", host, "--port", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "TLS" in line
    assert not home.exists()


@pytest.mark.parametrize(
    "words", [("--port", "70000"), ("--port", "-1"), ("--port", "x"), ("--traffic",), ("--no-traffic",)]
)
def test_wrong_words_are_one_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_port_that_is_taken_is_said_before_anything_is_opened(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert main(["serve", "--port", str(other.getsockname()[1])]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "--port" in line
    assert not home.exists()


def test_as_many_descriptors_as_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = resource.RLIM_INFINITY
    limits = {"now": (0, 0)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.update(now=wanted))
    for before, after in (
        ((1024, 4096), (4096, 4096)),
        ((1024, unlimited), (16_384, unlimited)),
        ((64, 64), (64, 64)),
        ((20_000, 30_000), (20_000, 30_000)),
        ((unlimited, unlimited), (unlimited, unlimited)),
    ):
        limits["now"] = before
        serve.raise_descriptors()
        assert limits["now"] == after


async def test_the_first_signal_drains_the_second_cuts_the_third_ends() -> None:
    stop, shutdown, hung_up = asyncio.Event(), GracefulShutdown(), asyncio.Event()
    cut = asyncio.Event()

    async def ask() -> None:
        async with shutdown.scope():
            await asyncio.Event().wait()
        cut.set()

    async def run() -> None:
        serve.obey_signals(stop, shutdown, hung_up)
        await asyncio.Event().wait()

    asking, running = asyncio.create_task(ask()), asyncio.create_task(run())
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(stop.wait(), 10)
    assert hung_up.is_set()
    assert not cut.is_set()
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(cut.wait(), 10)
    await asking
    assert not running.done()
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 10)


async def test_the_token_is_new_and_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.token"
    path.symlink_to(tmp_path / "elsewhere")
    async with serve.control_token(path) as token:
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        assert path.read_text() == token + "\n"
        assert len(token) >= 43
    assert not path.exists()
    assert not (tmp_path / "elsewhere").exists()
    async with serve.control_token(path) as another:
        assert another != token
