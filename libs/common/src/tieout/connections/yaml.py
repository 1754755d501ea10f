"""Connections as their owners write them: YAML text to settings, or every problem with field, line and what is allowed.

All scalars are read as text, so that ``0123`` stays an account number and ``NO`` a country. No value of the text
reaches an error or a ``repr``: somebody may have pasted a secret into it. Nothing is returned if anything is wrong.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tieout.connections.zones import zone_faults
from tieout.domain.settings import ConnectionSettings
from tieout.domain.settings_rules import conflicts, faults

# A connection takes a page of text. A hundred of them with long lists of invoices stay below; beyond, it is a mistake
# (an export, a binary), and reading it would only cost memory.
LARGEST: Final = 1024 * 1024
DEEPEST: Final = 20
SECRET_FIELD: Final = re.compile(
    r"secret|passw|passphrase|token|credential|cookie|session|private[-_]?key|(^|[-_])pwd|"
    r"(api|app|dev|developer|access|security|sync|master|shared|signing)[-_]?key",
    re.IGNORECASE,
)
SECRET_CURE: Final = "no secrets here; tieout connections secret set CONNECTION bill|erp"  # noqa: S105 - a cure
# Their keys are the owner's words, not ours: a dimension may well be called SESSION.
_OWNERS_KEYS: Final = {("mapping", "dimensions"), ("accounts", "banks")}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """A text and the name its problems are shown under. ``repr`` leaves the text out."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, and what would be right."""

    file: str
    line: int
    field: str
    message: str
    allowed: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: {self.field}".removesuffix(": ")
        return f"{where} {self.message}; allowed: {self.allowed}"


class WrongYaml(ValueError):
    """At least one problem; ``problems`` has all of them in the order of the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Document:
    """One connection and where its fields stand."""

    settings: ConnectionSettings
    file: str
    lines: Mapping[Path, int] = field(repr=False)

    def line_of(self, path: Iterable[str | int]) -> int:
        """The line of a field, or of the nearest part of the document that holds it."""
        return _line(self.lines, tuple(path))


def read(sources: Iterable[Source]) -> tuple[Document, ...]:
    """All connections of all texts; several documents of a text are parted by ``---``.

    Raises:
        WrongYaml: with every problem of every text. Nothing of any of them is returned then.
    """
    problems: list[Problem] = []
    documents: list[Document] = []
    for source in sources:
        try:
            documents.extend(_documents(source))
        except WrongYaml as error:
            problems.extend(error.problems)
    problems.extend(_among(documents))
    if not documents and not problems:
        problems.append(Problem("-", 1, "", "there is no connection in it", "at least one document with `connection:`"))
    if problems:
        raise WrongYaml(problems)
    return tuple(documents)


def _documents(source: Source) -> list[Document]:
    if len(source.text.encode()) > LARGEST:
        raise WrongYaml([Problem(source.name, 1, "", "is too long", f"at most {LARGEST} bytes")])
    try:
        nodes = [node for node in yaml.compose_all(source.text, Loader=yaml.BaseLoader) if not _is_empty(node)]
    except (yaml.YAMLError, RecursionError) as error:
        raise WrongYaml([_not_yaml(source, error)]) from None
    problems: list[Problem] = []
    documents = []
    for node in nodes:
        reader = _Tree(source.name)
        content = reader.value(node, ())
        found = reader.problems
        settings, wrong = _settings(content, reader)
        found = sorted(found + wrong, key=lambda problem: problem.line)
        problems.extend(found)
        if settings is not None and not found:
            documents.append(Document(settings, source.name, reader.lines))
    if problems:
        raise WrongYaml(problems)
    return documents


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value and node.style is None


def _not_yaml(source: Source, error: Exception) -> Problem:
    """The parser's own words without what it quotes from the text."""
    said, line = "is nested too deeply", 1
    if isinstance(error, yaml.MarkedYAMLError):
        said = _QUOTED.sub("…", error.problem or "cannot be read")
        line = error.problem_mark.line + 1 if error.problem_mark else 1
    elif isinstance(error, yaml.YAMLError):
        said = "holds a character that YAML does not allow"
    return Problem(source.name, line, "", f"is not YAML: {said}", "YAML 1.1, indented by blanks")


class _Tree:
    """Turns nodes into text, lists and mappings, keeps the line of each path, and refuses what cannot be meant."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The content of a node; problems are added up, not raised."""
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._wrong(path, "repeats an earlier part by an alias", "the part written out")
            return None
        self._seen.add(id(node))
        if len(path) > DEEPEST:
            self._wrong(path, "is nested too deeply", f"at most {DEEPEST} levels")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        text = str(node.value)
        if "-----BEGIN" in text and "PRIVATE KEY" in text:
            self._wrong(path, "holds a private key", SECRET_CURE)
        if not text and getattr(node, "style", None) is None:
            self._wrong(path, "has no value", 'a value, or "" where that is allowed; or leave the line out')
        return text

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str) or not key or len(key) > 250:
                self._add(line, path, "has a key that is no name", "names as keys")
                continue
            if path not in _OWNERS_KEYS and SECRET_FIELD.search(key):
                self._add(line, (*path, key), "looks like a secret, and it was not read", SECRET_CURE)
                continue
            if key in found:
                self._add(line, (*path, key), f"stands here twice, first in line {self.lines[(*path, key)]}", "it once")
                continue
            self.lines[(*path, key)] = line
            found[key] = self.value(value_node, (*path, key))
        return found

    def _wrong(self, path: Path, message: str, allowed: str) -> None:
        self._add(self.lines[path], path, message, allowed)

    def _add(self, line: int, path: Path, message: str, allowed: str) -> None:
        self.problems.append(Problem(self.file, line, shown(path), message, allowed))


def _settings(content: Any, tree: _Tree) -> tuple[ConnectionSettings | None, list[Problem]]:
    if not isinstance(content, dict):
        return None, [
            Problem(tree.file, _line(tree.lines, ()), "", "is no mapping", "fields, one of them `connection:`")
        ]
    wrong: list[Problem] = []
    settings = None
    try:
        settings = ConnectionSettings.model_validate(content)
    except ValidationError as error:
        told = {problem.field for problem in tree.problems}
        for each in error.errors(include_input=False, include_url=False, include_context=False):
            problem = _problem(each["type"], each["msg"], each["loc"], tree)
            if problem.field not in told:
                told.add(problem.field)
                wrong.append(problem)
    found = faults(content) + zone_faults(content)
    wrong += [
        Problem(tree.file, _line(tree.lines, fault.field), shown(fault.field), fault.message, fault.allowed)
        for fault in found
    ]
    return settings, wrong


def _problem(kind: str, message: str, location: Path, tree: _Tree) -> Problem:
    """One finding of pydantic in our words, without the value it found."""
    path = tuple(part for part in location if part != "[key]")
    while path and path not in tree.lines and kind not in {"missing", "extra_forbidden"}:
        path = path[:-1]  # the member of a union that pydantic tried, which nobody has written
    model, info = _declared(path)
    if kind == "missing":
        said, allowed = "is missing", _allowed(info)
    elif kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), list(model.model_fields), 1, 0.5)
        said = f"is not a field{f'; did you mean {near[0]}?' if near else ''}"
        allowed = ", ".join(model.model_fields)
    elif kind == "value_error":
        said, allowed = message.removeprefix("Value error, "), _allowed(info)
        said = said if said.startswith(("is an ", "is not an ")) else "is wrong"
    else:
        said, allowed = "is wrong", _allowed(info)
    return Problem(tree.file, _line(tree.lines, path), shown(path), said, allowed)


def _declared(path: Path) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model that declares (or should declare) the field at a path, and its declaration."""
    model: type[BaseModel] = ConnectionSettings
    info: FieldInfo | None = None
    for part in path:
        inner = _model_in(info.annotation) if info is not None else model
        if inner is None:
            break
        model = inner
        info = model.model_fields.get(str(part))
        if info is None:
            break
    return model, info


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as ``Cutover | None``; None for a list, a mapping or plain text."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, type(int | None)}:
        for member in get_args(annotation):
            found = _model_in(member)
            if found is not None:
                return found
    return None


def _allowed(info: FieldInfo | None) -> str:
    if info is None:
        return "a mapping of fields"
    if info.description:
        return info.description
    model = _model_in(info.annotation)
    return f"a mapping with {', '.join(model.model_fields)}" if model else "what the reference of the field says"


def _among(documents: Sequence[Document]) -> list[Problem]:
    """What the documents contradict each other in."""
    problems = []
    for place, document in enumerate(documents):
        before = documents[:place]
        for twin in (other for other in before if other.settings.connection == document.settings.connection):
            line = document.line_of(("connection",))
            message = f"stands twice, first in {twin.file}:{twin.line_of(('connection',))}"
            problems.append(Problem(document.file, line, "connection", message, "each connection once"))
        for fault in conflicts(document.settings, [other.settings for other in before]):
            line = document.line_of(fault.field)
            problems.append(Problem(document.file, line, shown(fault.field), fault.message, fault.allowed))
    return problems


def _line(lines: Mapping[Path, int], path: Path) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def shown(path: Iterable[str | int]) -> str:
    """A path as people write it. A key that cannot be a field's name is not repeated: it may be a misplaced secret."""
    parts = [f"[{part}]" if isinstance(part, int) else part if _NAME.fullmatch(part) else "…" for part in path]
    return ".".join(parts).replace(".[", "[")
