"""PostgreSQL refuses to run as root. In a container everybody is root, so it runs there as somebody else."""

import logging
import os
import pwd
import stat
from pathlib import Path

from tieout_devstack.errors import NothingUsable

_log = logging.getLogger(__name__)


def user_to_become(data: Path) -> int | None:
    """PostgreSQL refuses to run as root: then it runs as the owner of its data, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise NothingUsable("PostgreSQL does not run as root, and there is no user postgres or nobody. Run as a user.")


def let_through(user: int, *paths: Path) -> None:
    """As root: give the server's user the right to pass, not to list, the folders above what it has to open."""
    for folder in sorted({parent for path in paths for parent in path.resolve().parents}):
        mode = folder.stat()
        if not mode.st_mode & stat.S_IXOTH and mode.st_uid != user:
            folder.chmod(stat.S_IMODE(mode.st_mode) | stat.S_IXOTH)
            _log.warning("%s: others may now pass through it (chmod o+x), for PostgreSQL does not run as root", folder)
