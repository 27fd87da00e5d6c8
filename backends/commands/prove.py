"""`claw prove`: the self-test on this machine, as a table; the exit code is 1 where a promise did not hold."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

import msgspec

from backends.commands.json_output import encoded
from backends.errors import NoEngine
from backends.self_test.proof import Proof, prove
from backends.self_test.stand import CoreEnded
from backends.text.terminal_safe import safe

EPILOG = (
    "It takes about half a minute, needs no network, asks and reads nothing of yours: a second core with a home of its"
    " own, between simulated engines, is asked by eleven simulated agents while everything fails."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("--seed", type=int, help="the same prompts and faults as another run; else new ones")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Raises NoEngine where the second core does not start."""
    seed = secrets.randbelow(1_000_000) if args.seed is None else args.seed
    try:
        with tempfile.TemporaryDirectory(prefix="claw-prove-") as home:
            proof = asyncio.run(prove(Path(home), seed=seed, tell=_tell))
    except CoreEnded as error:
        raise NoEngine(f"the core of the self-test did not start: {error}") from None
    print(as_json(proof) if args.json else as_table(proof))
    return 0 if proof.holds else 1


def _tell(line: str) -> None:
    """Progress is for a person: nothing where stderr is a file."""
    if sys.stderr.isatty():
        print(f"{line} …", file=sys.stderr)


def as_json(proof: Proof) -> str:
    """One JSON object: whether it `holds`, and all that Proof has."""
    return encoded({"holds": proof.holds, **msgspec.to_builtins(proof)})


def as_table(proof: Proof) -> str:
    """Lines for a person, safe for a terminal."""
    done = ", ".join(f"{what}: {times}" for what, times in proof.done.items())
    lines = [
        f"{proof.requests} requests of eleven agents in {proof.seconds:.0f} s, seed {proof.seed}",
        f"done to the core: {done}",
    ]
    lines += [f"not done: {line}" for line in proof.not_done]
    width = max(len(line.promise) for line in proof.lines)
    lines += ["", f"{'what must hold':<{width + 2}}{'checked':>10}{'broken':>12}"]
    for line in proof.lines:
        checked = "–" if line.checked is None else str(line.checked)
        lines.append(f"{'!' if line.broken else '✓'} {line.promise:<{width}}{checked:>10}{line.broken!s:>12}")
    end = "all of it holds" if proof.holds else "NOT all of it holds: please report it with this table"
    return "\n".join([*lines, "", *map(safe, proof.details), end])
