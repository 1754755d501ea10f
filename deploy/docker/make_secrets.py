"""Makes the secrets of docker-compose.yml, once, in deploy/docker/secrets. Standard library only.

    python3 deploy/docker/make_secrets.py [FOLDER]

A file that is there is left alone, so that it may be run again. Keep master_key where the company keeps such keys:
once it is lost, all credentials have to be entered again. The folder is its owner's alone; the files in it may be read,
because the processes in the containers that they are mounted into are other users.
"""

import base64
import hashlib
import hmac
import os
import secrets
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent / "secrets"
KEY_BYTES: Final = 32


def side_key(master: str, side: str) -> str:
    """The wrapping key of one side, as the services derive it: HKDF with SHA-256, of one block."""
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), base64.b64decode(master), "sha256")
    return base64.b64encode(hmac.digest(extracted, f"tieout/wrap/{side}".encode() + b"\x01", "sha256")).decode()


def main(argv: list[str]) -> int:
    """Make what is missing; names what was made, never what is in it."""
    folder = Path(argv[1]) if len(argv) > 1 else FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)

    def kept(name: str, new: str) -> str:
        file = folder / name
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as sink:
                sink.write(new)
            sys.stdout.write(f"made {file}\n")
        return file.read_text(encoding="utf-8").strip()

    master = kept("master_key", base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    for side in ("bill", "erp"):
        belongs = side_key(master, side)
        if kept(f"{side}_key", belongs) != belongs:
            sys.stderr.write(f"{folder / f'{side}_key'} does not belong to master_key; remove it, and run this again\n")
            return 1
    kept("api_token", secrets.token_hex(32))
    kept("grafana_password", secrets.token_urlsafe(24))
    password = kept("postgres_password", secrets.token_hex(24))
    kept("database_url", f"postgresql://tieout:{password}@postgres:5432/tieout")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
