"""What a release installs: bounded in pyproject.toml, pinned with hashes in requirements.lock."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
REQUIRED = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = [Requirement(text) for texts in PROJECT["optional-dependencies"].values() for text in texts]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("required", [*REQUIRED, *EXTRAS], ids=str)
def test_s35_each_dependency_is_bounded_above(required: Requirement) -> None:
    assert {specifier.operator for specifier in required.specifier} & {"<", "=="}


def test_s35_each_pinned_version_has_a_hash_and_no_address() -> None:
    entries = LOCK.replace("\\\n", "").splitlines()
    assert len(entries) > len(REQUIRED)
    for entry in entries:
        pin, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        (specifier,) = Requirement(pin).specifier
        assert specifier.operator == "=="
        assert hashes
        assert all(map(HASH.fullmatch, hashes))
    assert "://" not in LOCK


def test_s35_each_dependency_is_pinned_within_its_bounds() -> None:
    pinned = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.M)}
    for required in REQUIRED:
        assert required.specifier.contains(pinned[canonicalize_name(required.name)]), required
