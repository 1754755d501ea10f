"""The part of requirements.lock that some packages need: pins and hashes as they stand, tools of development left out.

Standard library only, since it runs in the image before anything is installed. The lock says behind every package who
needs it ("via"); from that the needed ones follow. pip, told to require hashes, refuses if one were missing.

    python runtime_lock.py requirements.lock tieout tieout-decider > runtime.lock
"""

import re
import sys
from pathlib import Path

PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==")
VIA = re.compile(r"^\s+#\s+(?:via\s+)?([A-Za-z0-9._-]+)$")


def blocks(text: str) -> dict[str, list[str]]:
    """The lines of each package, by its name."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if named := PACKAGE.match(line):
            lines = found.setdefault(named[1], [])
        elif line.startswith("#"):
            continue
        lines.append(line)
    return found


def needed(packages: dict[str, list[str]], roots: set[str]) -> set[str]:
    """The packages that the roots need, directly or not; a root may be a package or a member of the workspace."""
    via = {
        name: {match[1] for line in lines if (match := VIA.match(line)) and match[1] != "via"}
        for name, lines in packages.items()
    }
    kept = {name for name in packages if name in roots}
    while True:
        more = {name for name, parents in via.items() if name not in kept and parents & (kept | roots)}
        if not more:
            return kept
        kept |= more


def main(argv: list[str]) -> int:
    """Print the part of the lock; 2 for wrong use."""
    if len(argv) < 3:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    packages = blocks(Path(argv[1]).read_text(encoding="utf-8"))
    kept = needed(packages, set(argv[2:]))
    if not kept:
        sys.stderr.write(f"{argv[1]} has nothing that {', '.join(argv[2:])} need\n")
        return 2
    sys.stdout.write("".join("\n".join(lines) + "\n" for name, lines in packages.items() if name in kept))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
