"""What may go wrong and what must hold, line by line, and the tests that prove each line.

A test proves a line whose id its name begins with (`test_l3_…`), or that its mark names: `@pytest.mark.proves("L3")`.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[2] / "tests"
NAMED = re.compile(r"test_((?:[lcdpktwis]\d{1,2}_)+)")
SHOWN = 3
"""The most tests that a table names for a line."""


class Fault(NamedTuple):
    """What goes wrong, and what is done about it."""

    happens: str
    done: str


FAULTS: dict[str, dict[str, Fault]] = {
    "The local engine": {
        "L1": Fault(
            "It is full (503)",
            "Another engine answers where it may, else 503 with `Retry-After`; fewer calls go to it at once, and more again once it has room",
        ),
        "L2": Fault(
            "It takes every call and lets them wait inside",
            "No more calls at once than `parallel` allows; the rest waits in claw's own bounded queue, and beyond it 503 at once",
        ),
        "L3": Fault(
            "Its runner dies in the middle",
            "Before the first word another engine answers; after it the stream ends with an error and without its terminator",
        ),
        "L4": Fault(
            "It cuts the prompt without a word",
            "claw counts before the call and asks an engine with a larger window; a cut seen afterwards makes the answer an error that is not cached",
        ),
        "L5": Fault(
            "The model loads for a minute and a half",
            "claw waits for the first byte as long as `first_byte_s` and the deadline allow; else another engine, or 504",
        ),
        "L6": Fault(
            "Callers ask for different windows, or that the model be unloaded",
            "Every call has the same window and keep-alive, so the model is loaded once",
        ),
        "L7": Fault(
            "The GPU is gone: three tokens a second",
            "New calls are judged by the speed that is measured; an alert says how slow it is",
        ),
        "L8": Fault(
            "The model never stops", "Every call has a cap; the answer ends there with `finish_reason` `length`"
        ),
        "L9": Fault(
            "An idle connection is reset, or Ollama restarts",
            "One silent second attempt where no byte had come, else another engine, else 502",
        ),
    },
    "The cloud engine": {
        "C1": Fault(
            "The limit of a minute (429 with a time)",
            "Another engine, else 429 with that time as `Retry-After`; nothing is sent to it before",
        ),
        "C2": Fault(
            "The quota of the day",
            "Other engines at once from the second call on; few calls test whether it is back, also after a restart",
        ),
        "C3": Fault(
            "503, 500, no name, refused, a bad certificate",
            "A second attempt within the retry budget, then another engine, else 502 or 503; a certificate is never waived",
        ),
        "C4": Fault(
            "Accepted, then silence",
            "The first-byte deadline ends it; the call may be billed, so it is estimated and charged, and a second needs money of its own",
        ),
        "C5": Fault(
            "The stream breaks in the middle",
            "The stream ends with an error; the answer counts as incomplete, is estimated, and never cached",
        ),
        "C6": Fault(
            "Thinking ate the whole cap", "`finish_reason` `length` with the reason; thoughts are priced as output"
        ),
        "C7": Fault(
            "The provider blocks the prompt or the answer",
            "`finish_reason` `content_filter` with its reason; no second attempt elsewhere",
        ),
        "C8": Fault(
            "Usage is missing, repeated or contradicts itself",
            "The last true total counts; else it is estimated and marked",
        ),
        "C9": Fault(
            "Odd bytes: reasons too early, huge events, split characters",
            "The whole text arrives; the end counts once the stream is over",
        ),
        "C10": Fault(
            "The key is refused, the account suspended, the region not served",
            "Another engine, else 502 that names cause and remedy; an alert until it is mended",
        ),
        "C11": Fault(
            "The model is retired",
            "Another engine, else 502; an alert, and `claw act adopt` takes its successor",
        ),
    },
    "Storage": {
        "D1": Fault(
            "The ledger cannot be written: full, read-only or locked",
            "`ledger.on_unwritable` decides; it is said in an alert, `claw doctor`, `/readyz` and `/metrics`",
        ),
        "D2": Fault(
            "The ledger is damaged",
            "At a start: one line, exit code 1, the file is set aside and never deleted; what budgets had spent is known from a second file",
        ),
        "D3": Fault(
            "A reader keeps the write-ahead log from shrinking",
            "The reader is ended at its maximum age; the log shrinks again",
        ),
        "D4": Fault(
            "A caller leaves in the middle of a transaction",
            "The transaction ends as if nobody had left; the next writer works",
        ),
        "D5": Fault(
            "Two cores on one ledger, or a network file system",
            "The second ends with 1 and names the first one's pid; a network file system is refused",
        ),
        "D6": Fault(
            "An SQLite in the range of the WAL-reset bug, hammered",
            "Only the writer's connection checkpoints; `claw doctor` names version and risk",
        ),
    },
    "Process, system, GPU": {
        "P1": Fault(
            "kill -9 at any moment",
            "Nothing that a caller heard is lost; calls that were open are estimated at the next start",
        ),
        "P2": Fault(
            "SIGTERM, twice; SIGHUP with bad settings",
            "Running answers end in the drain time, a second signal ends them; bad settings are refused and the old ones stay",
        ),
        "P3": Fault("No descriptors left", "New callers get 503, running ones finish, the ledger keeps its own"),
        "P4": Fault(
            "The GPU's library fails, hangs or crashes",
            "It runs in a process of its own: the pane shows `–` with the cause",
        ),
        "P5": Fault(
            "A killed core left its socket and lock; two start at once",
            "One starts, the other says who holds it; only a dead socket is removed",
        ),
    },
    "Callers": {
        "K1": Fault(
            "A caller leaves, at any moment",
            "The engine's connection is closed within a second; the row says `cancelled`, the reservation is released",
        ),
        "K2": Fault(
            "Callers read one byte a second, or stop",
            "Others notice nothing; a stream holds a bounded buffer, and is cut after a time",
        ),
        "K3": Fault(
            "The first of several equal calls leaves",
            "The others get the answer; one call at the engine, a row for each",
        ),
        "K4": Fault(
            "200 calls at once on a budget for ten",
            "Ten run, the others go local or wait for money that becomes free, then 429; 402 only where the window is spent",
        ),
        "K5": Fault(
            "Broken or hostile requests", "The dialect's own 400, 408, 413 or 431, and the connection is closed"
        ),
    },
    "The terminal": {
        "T1": Fault("SSH drops", "An attached console ends and restores the terminal; calls go on"),
        "T2": Fault("Ctrl-Z, and back", "The shell has a clean terminal; afterwards everything is drawn anew"),
        "T3": Fault(
            "Resizes, tiny and huge windows, a pane that fails",
            "No crash; too small is one line; a broken pane shows its error",
        ),
        "T4": Fault(
            "A slow or stopped terminal", "The core notices nothing; frames are skipped, then the latest state is shown"
        ),
        "T5": Fault(
            "Hostile text from models, tools, errors, names",
            "Shown as text: no control byte of theirs reaches the terminal",
        ),
        "T6": Fault("A paste of megabytes", "It neither sends nor confirms anything"),
    },
    "Time": {
        "W1": Fault(
            "The wall clock jumps",
            "Deadlines are not affected; a jump back opens no budget again; `claw doctor` says so",
        ),
        "W2": Fault(
            "Calls over midnight, month ends, days of 23 and 25 hours",
            "Charged once, to the window in which they were admitted",
        ),
        "W3": Fault(
            "The core is stopped for ten minutes, as in a paused VM",
            "Callers whose time is over hear 504 at once, nothing is asked a second time, and an alert says how long it stood still",
        ),
    },
}

INVARIANTS = {
    "I1": "An admitted request has exactly one final row, committed before its caller hears the end",
    "I2": "Spent and reserved together never exceed a budget, at any commit; nothing stays reserved at rest",
    "I3": "Rows with reported usage equal the provider's bill to the last digit; estimates are marked and charged enough",
    "I4": "Each call that an engine counted is in one row, and the reverse; one layer alone tries again",
    "I5": "Nothing of a sensitive request reaches any socket but its caller's and the local engine's",
    "I6": "An answer comes from one attempt and ends with a terminator or an error: never both, never neither",
    "I7": "Only answers that the engine ended are cached, in their own partition",
    "I8": "Every caller hears a first byte or an end by its deadline, and no longer silence than its idle limit",
    "I9": "Calls open at engines are calls in flight in the core",
    "I10": "Tasks, threads, descriptors, transactions and temporary files are back at the idle count afterwards",
    "I11": "Keys, prompts and answers appear in no log, error, metric, event or file where they were not asked for",
    "I12": "No control byte, markup or link from outside acts on the terminal",
    "I13": "Unknown is `–`, stale looks stale, simulated says so",
    "I14": "Second attempts and hedges are bounded, and none follows what may be billed without money of its own",
}

SECURITY = {
    "S1": "Only loopback is served",
    "S2": "A Host outside the list is refused before key and body",
    "S3": "Routing and keys decide on the same raw path",
    "S4": "Other web sites are refused, and no CORS header is sent",
    "S5": "A body that is not JSON by its type is refused",
    "S6": "With keys on, every route but the health checks needs one",
    "S7": "Keys are long, stored as hashes, and compared in constant time",
    "S8": "A revoked key fails within a second",
    "S9": "With keys on, who asks follows from the key alone",
    "S10": "No path escapes the budget",
    "S11": "A caller cannot choose where a call goes",
    "S12": "Remote images are not fetched",
    "S13": "Ambiguous framing is refused; a bomb is not unpacked",
    "S14": "Headers, bodies, depth and times are bounded",
    "S15": "No control byte comes back in headers, events or logs",
    "S16": "Engine clients follow no redirect",
    "S17": "Proxy variables are not read",
    "S18": "The provider's key travels in its header alone",
    "S19": "Local is proved, not assumed",
    "S20": "A sensitive request stays at home on every path, whatever fails",
    "S21": "A privacy stage that fails or is unsure means sensitive",
    "S22": "The cache's partition is a hard key",
    "S23": "A caller cannot loosen the cache or store what is no whole answer",
    "S24": "Prompts and answers are not stored by default",
    "S25": "The hash of a sensitive prompt is keyed by the install",
    "S26": "No secret in an error's text",
    "S27": "Keys reach no argument list and no child process",
    "S28": "Files are private, whatever the umask",
    "S29": "The control socket is private, and its peer is checked",
    "S30": "One function makes foreign text safe",
    "S31": "Foreign markup is shown as typed",
    "S32": "Only claw writes to the terminal",
    "S33": "A paste neither sends nor confirms",
    "S34": "Commands print safe text to terminals, and cells that are no formulas",
    "S35": "Dependencies are pinned with hashes; parsers raise only their own errors",
}

IDS = frozenset({id for rows in FAULTS.values() for id in rows} | INVARIANTS.keys() | SECURITY.keys())


def proofs(tests: Path = TESTS) -> dict[str, list[str]]:
    """By id, the tests that prove its line, as paths below `tests` and names. Raises ValueError for an unknown id."""
    found = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        place = path.relative_to(tests.parent).as_posix()
        for name, ids in _of_file(ast.parse(path.read_text(encoding="utf-8"))):
            for id in ids:
                if id not in IDS:
                    raise ValueError(f"{place}::{name} proves {id}, which is no line")
                found[id].append(f"{place}::{name}")
    return dict(found)


def _of_file(module: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Each test of a file with what it proves."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            named = NAMED.match(node.name)
            ids = [id.upper() for id in named[1].strip("_").split("_")] if named else []
            marked = [id for mark in node.decorator_list for id in _marked(mark)]
            if ids or marked:
                yield node.name, list(dict.fromkeys([*ids, *marked]))


def _marked(tree: ast.AST) -> Iterator[str]:
    """The ids of each `proves("…")` below a decorator."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "proves":
            yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))
