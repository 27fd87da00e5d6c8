"""The command `claw`: the console, or a subcommand. Each imports nothing that only the other needs."""

import resource
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `argv` and return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold prompts, answers and keys
    if words and words[0] == "status":
        from backends import status_line

        if (code := status_line.run(words[1:])) is not None:
            return code
    from backends.commands import COMMANDS
    from backends.commands import main as run_command

    if words and words[0] in COMMANDS:
        return run_command(words)
    from console.launch import launch

    return launch(words)


if __name__ == "__main__":
    sys.exit(main())
