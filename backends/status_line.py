"""`claw status`: one call to the running core, one line, an exit code. It is made to be run every second.

Starting Python costs most of its time. So this file imports the standard library alone, of it only what is needed, and
`console.entry` comes here before it imports anything else. `backends/commands/status.py` has its options and its help.
"""

import json
import os
import socket
import struct
import sys
import time
from collections.abc import Sequence

TYPE_CHECKING = False  # as typing has it, whose import would cost a quarter of the time
if TYPE_CHECKING:
    from typing import Any

PROTOCOL = 2
"""The control protocol's version, as in `backends.core.wire`."""

ANSWER_S = 1.0
"""A core that needs longer is stuck: nothing in it may hold its loop for so long."""

ANSWER_BYTES = 1_048_576
SOCKET_PATH_BYTES = 107  # as `backends.paths.SUN_PATH_MAX`
STDOUT = 1
OPTIONS = ("--json", "--rehearse", "--short")
NO_CORE = "unreachable"
EXIT_CODES = {"ok": 0, "warning": 1, "critical": 2, NO_CORE: 3}
SYMBOLS = {"ok": "✓", "warning": "▲", "critical": "✗", NO_CORE: "–"}
COLOURS = {"ok": "32", "warning": "33", "critical": "1;31", NO_CORE: "1;31"}
SHORT_TEXT = 32  # characters of an alert that a status bar has room for


class NoAnswer(Exception):
    """Why there is no status, in one line."""


class NoCore(NoAnswer):
    """Nobody listens on the socket."""


def run(words: Sequence[str]) -> int | None:
    """Show the status as `words` ask for; None where they are more than options of this command."""
    if not set(words).issubset(OPTIONS):
        return None
    return show(as_json="--json" in words, rehearse="--rehearse" in words, short="--short" in words)


def show(*, as_json: bool, rehearse: bool, short: bool, answer_s: float = ANSWER_S) -> int:
    """Print the status of this home's core, and return the exit code by its severity. `answer_s` is the time limit."""
    try:
        answer = call(socket_path(rehearsal=rehearse), answer_s)
    except NoCore as problem:
        answer = {"severity": NO_CORE, "problem": f"{problem}: {_remedy(rehearse)}"}
    except NoAnswer as problem:
        answer = {"severity": NO_CORE, "problem": str(problem)}
    severity = answer["severity"]
    if as_json:
        line = json.dumps(answer)
    else:
        line = short_line(answer) if short else full_line(answer)
        if os.isatty(STDOUT) and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb":
            mark, blank, rest = line.partition(" ")
            line = f"\x1b[{COLOURS[severity]}m{mark}\x1b[0m{blank}{rest}"
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    try:
        os.write(STDOUT, f"{line}\n".encode(encoding, "replace"))
    except OSError:
        return EXIT_CODES[severity]  # nobody can read the line; the code tells all the same
    return EXIT_CODES[severity]


# ---- the call -------------------------------------------------------------------------------------------------------


def socket_path(*, rehearsal: bool) -> str:
    """Where this home's core listens, as `backends.paths.Paths` has it."""
    if home := os.environ.get("CLAW_HOME"):
        run_folder = os.path.join(os.getcwd(), os.path.expanduser(home), "run")  # noqa: PTH109, PTH111, PTH118
    elif sys.platform == "linux" and "ANDROID_DATA" not in os.environ:
        state = os.environ.get("XDG_STATE_HOME", "").strip()
        if not os.path.isabs(state):  # noqa: PTH117 — pathlib costs a tenth of the time that there is
            state = os.path.expanduser("~/.local/state")  # noqa: PTH111
        run_folder = os.path.join(state, "claw", "run")  # noqa: PTH118
    else:
        from backends.paths import Paths

        return str(Paths.find(rehearsal=rehearsal).socket)
    return os.path.join(run_folder, *(["rehearsal"] if rehearsal else []), "claw.sock")  # noqa: PTH118


def call(path: str, answer_s: float = ANSWER_S) -> "dict[str, Any]":
    """The status that the core on this socket answers with, as decoded JSON. Raises NoAnswer."""
    until = time.monotonic() + answer_s
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise NoAnswer(f"the socket's path is longer than {SOCKET_PATH_BYTES} bytes: set CLAW_HOME to a shorter one")
    with socket.socket(socket.AF_UNIX) as core:
        core.settimeout(answer_s)
        try:
            core.connect(path)
        except FileNotFoundError:
            raise NoCore("no core runs") from None
        except ConnectionRefusedError:
            raise NoCore("no core runs, the last one left its socket") from None
        except (TimeoutError, BlockingIOError):
            raise NoAnswer("the core accepts no connection: it is stuck") from None
        except OSError as error:
            raise NoAnswer(f"the core's socket cannot be used ({error.strerror})") from None
        pid, uid, _ = struct.unpack("3i", core.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        if uid != os.geteuid():
            raise NoAnswer("the core's socket belongs to another user: nothing was sent to it")
        try:
            core.sendall(b'{"verb":"status","protocol":%d}\n' % PROTOCOL)
            return _answer(_lines(core, until))
        except TimeoutError:
            raise NoAnswer(f"the core (process {pid}) does not answer within {answer_s:g} s: it is stuck") from None
        except OSError as error:
            raise NoAnswer(f"the core (process {pid}) hung up ({error.strerror})") from None


def _remedy(rehearse: bool) -> str:
    """What to do where no core runs; a rehearsal has a socket of its own."""
    if rehearse:
        return "start one with `claw serve --rehearse`"
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(ANSWER_S)
        try:
            probe.connect(socket_path(rehearsal=True))
        except OSError:
            return "start one with `claw serve`"
    return "one in rehearsal does, so add --rehearse"


def _lines(core: socket.socket, until: float) -> list[bytes]:
    """All lines up to the end of the connection. Raises TimeoutError."""
    read = bytearray()
    while len(read) <= ANSWER_BYTES:
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        core.settimeout(left_s)
        if not (part := core.recv(65536)):
            break
        read += part
    return bytes(read).splitlines()


def _answer(lines: list[bytes]) -> "dict[str, Any]":
    try:
        for line in lines:
            frame = json.loads(line)
            hello, error, result = frame.get("hello"), frame.get("error"), frame.get("result")
            if hello and hello["protocol"] != PROTOCOL:
                raise NoAnswer(f"the running core is claw {hello['version']}, another version: restart `claw serve`")
            if error:
                raise NoAnswer(str(error["message"]))
            if result and result["severity"] in EXIT_CODES:
                return dict(result)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoAnswer("the core answers in words unknown here: run both from one version of claw") from None
    raise NoAnswer("the core went away before it answered")


# ---- the line -------------------------------------------------------------------------------------------------------


def full_line(status: "dict[str, Any]") -> str:
    """Severity, worst alert, requests, engines, money, time of day: `status` is a `backends.types.Status` as JSON."""
    mark = _mark(status["severity"])
    if "problem" in status:
        return f"{mark} · {_safe(status['problem'])}"
    parts = [mark, "rehearsal" if status.get("rehearsal") else "", _worst(status), _requests(status), _engines(status)]
    parts += [_money(status), time.strftime("%H:%M:%S")]
    return " · ".join(filter(None, parts))


def short_line(status: "dict[str, Any]") -> str:
    """For a status bar, at most about 50 characters, without what tmux would take for a format."""
    mark = _mark(status["severity"], short=True)
    if "problem" in status:
        return f"{mark} no core"
    worst, more = status.get("worst"), status["alerts"] - 1
    text = _usd(status["today_usd"])
    if worst:
        words = _safe(worst["text"])
        words = words if len(words) <= SHORT_TEXT else f"{words[: SHORT_TEXT - 1].rstrip()}…"
        text = f"{words} {_age(worst['since'])}{f' +{more}' if more > 0 else ''}".replace("#", "")
    return f"{mark} {'rehearsal ' if status.get('rehearsal') else ''}{text}"


def _mark(severity: str, *, short: bool = False) -> str:
    return SYMBOLS[severity] if short else severity


def _worst(status: "dict[str, Any]") -> str:
    worst, more = status.get("worst"), status["alerts"] - 1
    silenced = f"{status['silenced']} silenced" if status.get("silenced") else ""
    if not worst:
        return silenced
    state = ", acknowledged" if worst.get("state") == "acknowledged" else ""
    text, onset = _safe(worst["text"]), time.strftime("%H:%M:%S", time.localtime(_epoch(worst["since"])))
    if onset not in text:
        text += f", since {onset}"
    more_text = f", {more} more alert{'s' if more > 1 else ''}" if more > 0 else ""
    return f"{text} ({_age(worst['since'])}){state}{more_text}{f', {silenced}' if silenced else ''}"


def _requests(status: "dict[str, Any]") -> str:
    traffic = status.get("traffic")
    if not traffic or not traffic.get("requests"):
        return ""
    requests, failed = traffic.get("requests", 0), traffic.get("failed", 0)
    share = f" ({failed / requests * 100:.0f} %)" if failed else ""
    return f"{failed} of {requests} requests failed{share} in {traffic.get('window_s', 90):.0f} s"


def _engines(status: "dict[str, Any]") -> str:
    def word(engine: "dict[str, Any]") -> str:
        stopped = "stopped" if engine.get("stopped") else "draining" if engine.get("draining") else ""
        why = f" ({_safe(engine['detail'])})" if engine.get("detail", "") not in ("", engine["health"]) else ""
        return f"{_safe(engine['name'])} {stopped or engine['health']}{why}"

    return ", ".join(map(word, status.get("engines", ())))


def _money(status: "dict[str, Any]") -> str:
    today, budget = _usd(status["today_usd"]), status.get("budget")
    if not budget:
        return f"{today} today"
    scope, window = budget["scope"], budget["window"]
    spent = f"{_usd(budget['spent_usd'])} of {_usd(budget['limit_usd'])}"
    if (scope, window) == ("all", "day"):
        return f"{spent} today"  # what the budget counts, as in the console's header: after a crash more than is known
    span = "in all" if window == "total" else f"a {window}"
    return f"{today} today, budget {_safe(scope)} {spent} {span}"


def _usd(amount: str | float) -> str:
    """To the cent; below one, as `backends.text.usd.usd` has it."""
    dollars = float(amount)
    if not dollars:
        return "$0"
    if abs(dollars) < 0.0001:
        return "<$0.0001"
    return f"${dollars:,.2f}" if abs(dollars) >= 0.01 else f"${dollars:.4f}"


def _age(since: str) -> str:
    seconds = max(0, int(time.time() - _epoch(since)))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} d"


def _epoch(moment: str) -> float:
    from datetime import datetime  # a fine core is told of without it

    return datetime.fromisoformat(moment).timestamp()


def _safe(foreign: str) -> str:
    if foreign.isascii() and foreign.isprintable():
        return foreign
    from backends.text.terminal_safe import safe  # its tables are built at the import

    return safe(foreign)
