import os
import pty
import threading

from console import terminal


def test_a_terminal_that_hangs_up_is_noticed_and_what_still_stands_is_ended() -> None:
    master, slave = pty.openpty()
    lost, ended = threading.Event(), threading.Event()
    codes: list[int] = []

    def exit_now(code: int) -> None:
        codes.append(code)
        ended.set()

    try:
        terminal.watch_for_loss(slave, lost.set, orderly_s=0.0, exit_now=exit_now)
        os.write(master, b"keys are no hang-up\n")
        assert not lost.is_set()
        os.close(master)
        assert lost.wait(10)
        assert ended.wait(10)
    finally:
        os.close(slave)
    assert codes == [129]
