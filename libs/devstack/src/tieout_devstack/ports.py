"""Free loopback ports."""

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below the ephemeral ranges of Linux (32768) and macOS (49152): a port from inside them can be taken as the source of
# somebody's outgoing connection while a broker restarts, and a client that keeps trying a closed port of that range
# can even connect to itself.
_FIRST, _LAST = 20_000, 29_999
_TRIES = 200


def free_port() -> int:
    """A loopback TCP port nobody listens on at this moment.

    Nothing reserves it: whoever binds it later has to cope with having lost a race (see `NotReady`, retried by the
    starters of this package). Raises OSError when no free port was found.
    """
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if is_free(port):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST} on {LOOPBACK}")


def is_open(port: int) -> bool:
    """Whether a server listens on this loopback port now."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now; connections in TIME_WAIT do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
