"""`claw status`: how the running core is, in a line and an exit code; `backends/status_line.py` has what it does."""

import argparse

from backends.status_line import show

EPILOG = """\
exit codes: 0 all is well, 1 a warning stands, 2 a critical alert stands, 3 no core answers.
Silenced alerts do not count, acknowledged ones do. It takes at most a second, also where the core is stuck.

in ~/.tmux.conf:  set -g status-right '#(claw status --short)'
in cron:          claw status || claw status | mail -s claw you@example.org
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--short", action="store_true", help="a few words, for status bars and prompts")
    parser.add_argument("--rehearse", action="store_true", help="ask the core in rehearsal")


def run(args: argparse.Namespace) -> int:
    """Also for words in an order or a form that the fast way does not know."""
    return show(as_json=args.json, rehearse=args.rehearse, short=args.short)
