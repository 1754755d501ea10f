"""Size limits: a file of Python has at most 400 lines, a function at most 60. An exception carries its reason here."""

import ast
import sys
from pathlib import Path

FILE_LIMIT = 400
FUNCTION_LIMIT = 60
ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("libs", "services", "apps", "deploy", "tests", "tools")
# path, or path::function → why it may be longer
EXCEPTIONS: dict[str, str] = {}


def problems(path: Path) -> list[str]:
    """What is too long in one file."""
    name, text = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    found = []
    lines = text.count("\n")
    if lines > FILE_LIMIT and name not in EXCEPTIONS:
        found.append(f"{name}: {lines} lines, the limit is {FILE_LIMIT}")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LIMIT and f"{name}::{node.name}" not in EXCEPTIONS:
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines, the limit is {FUNCTION_LIMIT}")
    return found


def main() -> int:
    """Exit 1 if anything is too long."""
    found = [p for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) for p in problems(path)]
    print("\n".join(found) if found else "sizes: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
