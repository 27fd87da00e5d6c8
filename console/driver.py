"""Textual's driver for a Unix terminal, with what it lacks: when keys came, a size in any case, and being stopped."""

import os
import signal
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from selectors import EVENT_READ, SelectSelector

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

from console.terminal_answers import TerminalAnswers

USUAL = (80, 25)
"""Columns and rows where the terminal tells none, as in `docker exec` and a new pty. Rich assumes the same: with
another size here than there, Textual would resize to one and then to the other without end.
"""


def terminal_driver(
    key_arrived: Callable[[float], None], stop_asked: Callable[[], None], resumed: Callable[[float], None]
) -> type[LinuxDriver]:
    """A driver class for an App; it calls `key_arrived` from its own thread, in monotonic seconds, for each key.

    On SIGTSTP it calls `stop_asked`, which may answer with `stop_process`; after that, once the process goes on and has
    the terminal again, `resumed` with the seconds that it stood still.
    """

    class TerminalDriver(LinuxDriver):
        def run_input_thread(self) -> None:
            """As Textual's, without what the terminal answers."""
            parser, answers = XTermParser(), TerminalAnswers()
            decode = getincrementaldecoder("utf-8")("replace").decode

            with SelectSelector() as selector:
                selector.register(self.fileno, EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(0.1) and (typed := answers.without(decode(os.read(self.fileno, 4096)))):
                        for message in parser.feed(typed):
                            self.process_message(message)
                    for message in parser.tick():
                        self.process_message(message)

        def process_message(self, message: Message) -> None:
            if isinstance(message, Key):
                key_arrived(message.time)
            super().process_message(message)

        def _sigtstp_application(self, *_: object) -> None:
            # The loop decides: the signal may come in the middle of a write, as in `_sigcont_application`.
            self._loop.call_soon_threadsafe(stop_asked)

        def stop_process(self) -> None:
            """Give the terminal back as it was and stop, until somebody continues this process."""
            began = time.monotonic()
            self.suspend_application_mode()
            self._must_signal_resume = True
            os.kill(os.getpid(), signal.SIGSTOP)
            self._loop.call_soon(lambda: resumed(time.monotonic() - began))

        def _sigcont_application(self, *_: object) -> None:
            # Textual expects SIGTSTP before it. After SIGSTOP it would start a second reader of the same keyboard. The
            # loop does it: the signal may come in the middle of a write, which holds the lock that is needed here.
            if self._must_signal_resume:
                super()._sigcont_application()
            elif self._auto_restart:
                self._loop.call_soon_threadsafe(self._take_over_again)

        def _take_over_again(self) -> None:
            self.suspend_application_mode()
            self._must_signal_resume = True
            self.resume_application_mode()

        def _get_terminal_size(self) -> tuple[int, int]:
            try:
                columns, rows = os.get_terminal_size(self.fileno)
            except OSError:
                return USUAL
            return columns or USUAL[0], rows or USUAL[1]

    return TerminalDriver
