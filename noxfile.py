"""The whole suite on each Python that claw supports and this machine has: `make test-all`, once before a release."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

GROUPS = ("--group", "dev", "--group", "train")
"""With `train`, because the tests look whether what the benchmarks import is declared."""


@nox.session(python=["3.11", "3.12", "3.13"])
def suite(session: nox.Session) -> None:
    """With the light embedding model: what needs torch is in `make test`. Arguments behind `--` go to pytest."""
    session.install("pip>=25.1")
    session.install("--constraint", "constraints.txt", "--editable", ".[rehearsal,semantic-light]", *GROUPS)
    session.run("pytest", "--numprocesses", "2", "--dist", "loadgroup", *session.posargs)
