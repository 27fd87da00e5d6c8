"""The environment of claw's own child processes: no key is in it, whatever variable the settings name for one."""

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


def child_environment() -> dict[str, str]:
    """The variables of PASSED_ON that are set, with claw's own folder on the path of modules."""
    environment = {name: value for name in PASSED_ON if (value := os.environ.get(name)) is not None}
    ours = str(Path(__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), ours)))
    return environment
