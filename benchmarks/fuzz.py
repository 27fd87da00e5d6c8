"""Does any input crash or hang a parser of text from outside?

    python -m benchmarks.fuzz [--inputs 10000000] [--seed 1] [--only NAME …] [--keep FOLDER] [--json]

Settings, every dialect, recorded requests, engines' streams, the control socket, the ledger's files, the console's
files and terminal escapes. Inputs are valid ones that were changed: of JSON half of them by their values and keys, the
others by their bytes (bits, cuts, repetitions, pieces of other inputs, words that programs stumble over, deep nesting).
A parser may raise its own errors alone, within two seconds. As many processes as there are processors share the work.
With `--keep` what crashed or hung is written into a folder. Exit code 0 if nothing did.
"""

import argparse
import json
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NamedTuple

from benchmarks.fuzz_targets import TARGETS, Target

HANG_S = 2.0
LONGEST = 16_384
CHANGES = 6
FOUND = 20
"""Findings that are kept of one target."""

WORDS = (
    *(
        b"null",
        b"true",
        b"NaN",
        b"-0",
        b"1e999",
        b"-1",
        b"0.1",
        b"9223372036854775808",
        b"1" * 400,
        b'""',
        b"[]",
        b"{}",
    ),
    *(b"\\ud800", b"\\u0000", b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\r", b"\n\n"),
    *(b"\x1b[2J", b"\xe2\x80\xae", b"data:", b"[DONE]", b"'''", b'"""', b"=", b"[[a]]\n", b"base64,", b"http://[::1"),
    *(b"__proto__", b'{"type":', b"[" * 200, b'{"a":' * 200, b"0000-13-45", b"inf", b"1979-05-27T07:32:00Z"),
)

DEEP: Any = []
for _ in range(100):
    DEEP = [DEEP]

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**40, 0.5, -0.0, 1e308, [], {}, DEEP, [None]),
    *("", " ", "0", "null", "\x00", "\ud800", "\u202e", "\x1b[2J", "a" * 5_000, "auto", "user", "none", "\U0010ffff"),
    *("data:image/png;base64,", "http://169.254.169.254/", "../..", "{}", "[", '{"a":1}', "text", "function", "object"),
)
"""Values of JSON that programs stumble over."""


class Finding(NamedTuple):
    """An input that a parser did not survive, and what it raised; "hang" is none of its errors."""

    target: str
    error: str
    data: bytes


class Tried(NamedTuple):
    """What became of a target's inputs; `seconds` are those of one process."""

    accepted: int
    refused: int
    seconds: float
    findings: tuple[Finding, ...]


class Hang(BaseException):
    """Too long: raised into the parser, which must not catch it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=[target.name for target in TARGETS], help="these alone")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that crashed or hung")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    targets = [target for target in TARGETS if not args.only or target.name in args.only]
    found = fuzz(targets, args.inputs, args.seed)
    findings = [each for tried in found.values() for each in tried.findings]
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(findings):
            (args.keep / f"{each.target.replace(' ', '-')}-{number}").write_bytes(each.data)
    if args.json:
        print(json.dumps({name: table_row(tried) for name, tried in found.items()}))
    else:
        print_table(found)
        print(*(f"{each.target}: {each.error}: {each.data[:200]!r}" for each in findings), sep="\n")
    return 1 if findings else 0


def fuzz(targets: Sequence[Target], inputs: int, seed: int, *, processes: int | None = None) -> dict[str, Tried]:
    """`inputs` in all, shared among the targets by their shares."""
    count, whole = processes or os.cpu_count() or 1, sum(target.share for target in targets)
    parts = [
        (TARGETS.index(target), max(1, int(inputs * target.share / whole / count)), f"{seed} {process}")
        for process in range(count)
        for target in targets
    ]
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        tried = pool.starmap(try_one, parts, chunksize=1)
    names = [TARGETS[place].name for place, _, _ in parts]
    return {
        target.name: together([each for name, each in zip(names, tried, strict=True) if name == target.name])
        for target in targets
    }


def together(tried: Sequence[Tried]) -> Tried:
    accepted, refused = sum(each.accepted for each in tried), sum(each.refused for each in tried)
    findings = tuple(finding for each in tried for finding in each.findings)
    return Tried(accepted, refused, sum(each.seconds for each in tried), findings)


def try_one(place: int, inputs: int, seed: str) -> Tried:
    """Runs in a process of its own, whose alarm it uses."""
    target = TARGETS[place]
    dice, ends = Random(f"{seed} {target.name}"), Counter[str]()
    findings: list[Finding] = []
    signal.signal(signal.SIGALRM, _alarm)
    logging.disable()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108 — no disk is needed
        parse = target.make(Path(folder))
        began = time.monotonic()
        for _ in range(inputs):
            data = changed(target.seeds, dice)
            error = attempt(parse, data, target.own)
            ends["" if error is None else "own" if error == "" else "found"] += 1
            if error and len(findings) < FOUND:
                findings.append(Finding(target.name, error, data))
        seconds = time.monotonic() - began
    return Tried(ends[""], ends["own"], seconds, tuple(findings))


def attempt(parse: Callable[[bytes], None], data: bytes, own: tuple[type[Exception], ...]) -> str | None:
    """None where `data` was accepted, "" where it was refused as it should be, else what went wrong."""
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        parse(data)
    except own:
        return ""
    except Hang:
        return "hang"
    except Exception as error:  # noqa: BLE001 — whatever it is: that is the question
        return f"{type(error).__name__}: {error}"[:200]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _alarm(signal_number: int, frame: FrameType | None) -> None:
    raise Hang


def changed(seeds: Sequence[bytes], dice: Random) -> bytes:
    """A seed after one to CHANGES changes, most often one or two."""
    seed = dice.choice(seeds)
    count = min(dice.randint(1, CHANGES), dice.randint(1, CHANGES))
    if seed[:1] == b"{" and dice.random() < 0.5:
        with suppress(ValueError):
            return other_values(json.loads(seed), count, dice)
    return other_bytes(seed, seeds, count, dice)


def other_values(value: Any, count: int, dice: Random) -> bytes:
    """The JSON of `value` with other values, or without some, or with keys where they do not belong."""
    for _ in range(count):
        holders = list(_holders(value))
        holder, key = dice.choice(holders)
        donor, place = dice.choice(holders)
        match dice.randrange(4):
            case 0:
                holder[key] = dice.choice(VALUES)
            case 1:
                holder[key] = json.loads(json.dumps(donor[place]))
            case 2:
                del holder[key]
            case _:
                holder[key] = [holder[key]] if dice.random() < 0.5 else {str(place): holder[key]}
        if not value:
            break
    return json.dumps(value, ensure_ascii=dice.random() < 0.9).encode(errors="surrogatepass")


def _holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in `value`: what holds it, and its key or index there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _holders(value[key])


def other_bytes(seed: bytes, seeds: Sequence[bytes], count: int, dice: Random) -> bytes:
    data = bytearray(seed)
    for _ in range(count):
        at = dice.randint(0, len(data))
        end = min(len(data), at + dice.choice((1, 1, 2, 8, 64)))
        match dice.randrange(7):
            case 0 if data:
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end] * dice.choice((1, 2, 50))
            case 3:
                data[at:end] = dice.choice(WORDS)
            case 4:
                data[at:at] = dice.choice(WORDS)
            case 5:
                other = dice.choice(seeds)
                begin = dice.randint(0, len(other))
                data[at:end] = other[begin : begin + dice.choice((4, 32, 256))]
            case _:
                data[at:end] = dice.randbytes(end - at)
    return bytes(data[: max(LONGEST, len(seed))])


def table_row(tried: Tried) -> dict[str, float | int]:
    hangs = sum(each.error == "hang" for each in tried.findings)
    inputs = tried.accepted + tried.refused + len(tried.findings)
    return {
        "inputs": inputs,
        "accepted": tried.accepted,
        "a second": round(inputs / tried.seconds) if tried.seconds else 0,
        "crashes": len(tried.findings) - hangs,
        "hangs": hangs,
    }


def print_table(found: dict[str, Tried]) -> None:
    rows = {name: table_row(tried) for name, tried in found.items()}
    rows["all"] = {key: sum(row[key] for row in rows.values()) for key in next(iter(rows.values()))}
    print(f"{'':<20}", *(f"{key:>11}" for key in rows["all"]))
    for name, row in rows.items():
        print(f"{name:<20}", *(f"{value:>11}" for value in row.values()))


if __name__ == "__main__":
    sys.exit(main())
