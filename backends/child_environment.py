"""The environments of child processes: no key is in them, whatever variable the settings name for one."""

import os
from pathlib import Path

PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONWARNINGS",
    "COVERAGE_PROCESS_START",
    "NVIDIA_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
)
"""Everything that a child gets; other processes of the same user can read it."""

TERMINAL = (
    *("COLORTERM", "DISPLAY", "EDITOR", "EMACS", "LC_", "LESS", "LOGNAME", "NVIM", "PAGER", "SHELL", "SSH_AUTH_SOCK"),
    *("SSH_TTY", "TERM", "TMUX", "TZ", "USER", "VIM", "VISUAL", "WAYLAND_DISPLAY", "XDG_"),
)
"""What a program that the operator works with in the terminal gets besides: variables that begin so."""


def child_environment() -> dict[str, str]:
    """The variables of PASSED_ON that are set, with claw's own folder on the path of modules."""
    environment = _passed_on()
    ours = str(Path(__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), ours)))
    return environment


def terminal_environment() -> dict[str, str]:
    """For an editor, or the terminal's own tools: also what they know the terminal and their settings by."""
    passed_on = {name: value for name, value in os.environ.items() if name.startswith(TERMINAL)}
    return passed_on | _passed_on()


def _passed_on() -> dict[str, str]:
    return {name: value for name in PASSED_ON if (value := os.environ.get(name)) is not None}
