"""Is the ledger's folder on this machine's own disk? A write-ahead log needs memory that all its users share."""

import re
from pathlib import Path

from backends.errors import LedgerError

NETWORK = frozenset(
    {"afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "nfs", "nfs4", "smb3", "smbfs"}
)
MOUNTS = Path("/proc/self/mounts")


def refuse_network(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raises LedgerError for a folder on a network file system; says nothing where the system does not tell."""
    kind = _kind(folder.resolve(), mounts)
    if kind in NETWORK:
        raise LedgerError(f"{folder} is on a network file system ({kind}): set CLAW_HOME to a folder on a local disk")


def _kind(folder: Path, mounts: Path) -> str | None:
    """The type of the innermost mount above `folder`; of two on one point the later one is on top."""
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    kind, depth = None, 0
    for line in table.splitlines():
        _, point, found, *_ = line.split(" ")
        place = Path(re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), point))
        if folder.is_relative_to(place) and len(place.parts) >= depth:
            kind, depth = found, len(place.parts)
    return kind
