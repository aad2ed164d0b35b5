"""YAML as configuration wants it: no key twice, no guessing of times, and the line of every key for messages."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.constructor import ConstructorError

from bot.domain.errors import ConfigError
from bot.domain.outside import outside

KeyPath = tuple[str | int, ...]
MOST_BYTES: Final = 1_000_000
MOST_ALIASES: Final = 100
_MERGE: Final = "tag:yaml.org,2002:merge"
_TEXT: Final = "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads an unquoted 15:50 as the base-60 number 950 and 2026-11-20 as a date; here both stay text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the value of a node; one that its own tag does not fit is said with its line, whatever PyYAML raises."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
            raise ConstructorError(None, None, f"a value cannot be read: {error}", node.start_mark) from error


_HALF: Final = re.compile("[\ud800-\udfff]")
"""Half of a character, or a byte that is none: no file, store or hash can hold it."""
_FLOAT: Final = (
    r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]+)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.|[-+]?\.(?:inf|nan)"
)
_SCALARS: Final = {
    "tag:yaml.org,2002:int": (r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    "tag:yaml.org,2002:float": (_FLOAT, "-+.0123456789"),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE|yes|Yes|no|No|on|On|off|Off", "tTfFyYnNoO"),
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    _MERGE: ("<<", "<"),
}

for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True, slots=True)
class YamlTree:
    """What a file says, and on which line it says each key (1 is the first)."""

    values: dict[str, Any]
    lines: dict[KeyPath, int]


def read_text(path: Path, shown_as: str) -> str:
    """Return the text of a file that people write; raises ConfigError, in words that passed the border, for what is no
    text, larger than any such file, or grows when it is read. An absent file raises FileNotFoundError."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise ConfigError(f"{shown_as}: is no plain file. Make it a readable UTF-8 file.")  # a pipe never ends
        if found.st_size > MOST_BYTES:
            raise ConfigError(f"{shown_as}: has {found.st_size} bytes, {MOST_BYTES} at most are read.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{shown_as} line {line}: cannot be read ({outside(error)}). Make it a readable UTF-8 file."
        ) from error
    except OSError as error:
        raise ConfigError(f"{shown_as}: cannot be read ({outside(error)}). Make it a readable UTF-8 file.") from error
    try:
        refuse_growth(text)
    except ConfigError as error:
        raise ConfigError(f"{shown_as} {error}") from error
    return text


def refuse_growth(text: str) -> None:
    """Raise ConfigError for aliases that multiply: a few lines of them become gigabytes once they are read."""
    if "*" not in text or "&" not in text:
        return
    around: list[str | None] = []  # the names of the lists and mappings that are open
    aliases = 0
    try:
        for event in yaml.parse(text, _Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                around.append(event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                around.pop()
            elif isinstance(event, yaml.AliasEvent):
                aliases += 1
                if event.anchor in around:
                    raise ConfigError(f"{_line(event)}: an anchor contains itself. Write the values out.")
                if any(around) or aliases > MOST_ALIASES:
                    why = "an alias inside of what another one names, or too many"
                    raise ConfigError(f"{_line(event)}: {why}. Write the values out.")
    except yaml.YAMLError:
        return  # whoever reads it says where it is wrong


def _line(event: yaml.Event) -> str:
    mark = event.start_mark
    return "some line" if mark is None else f"line {mark.line + 1}"


def parse_scalar(text: str) -> Any:
    """Return a setting given as text the way that a YAML file would read it (JSON is YAML); raises ConfigError."""
    refuse_no_text(text)
    refuse_growth(text)
    try:
        loader = _Loader(text)  # refuses characters that no YAML has
    except yaml.YAMLError as error:
        raise ConfigError(syntax(error)) from error
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _walk(root, (), {}, "the value,")
        value = loader.construct_document(root)
        json.dumps(value, default=str)  # an anchor that contains itself is a ValueError here
        return value
    except yaml.YAMLError as error:
        raise ConfigError(syntax(error)) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"no value: {outside(error)}") from error
    finally:
        loader.dispose()


def refuse_no_text(text: str) -> None:
    """Raise ConfigError for bytes of the environment that are no UTF-8."""
    if _HALF.search(text):
        raise ConfigError("no value: it holds bytes that are no text (UTF-8)")


def read_yaml(path: Path, shown_as: str) -> YamlTree:
    """Read one file, absent or empty as no settings at all; raises ConfigError that names file and line."""
    try:
        text = read_text(path, shown_as)
    except FileNotFoundError:
        return YamlTree({}, {})
    if odd := yaml.SafeLoader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise ConfigError(f"{shown_as} line {line}: the character {odd.group()!r} has no place in YAML. Take it out.")
    try:
        return _parse(text, shown_as)
    except yaml.YAMLError as error:
        raise ConfigError(f"{shown_as}: not valid YAML: {syntax(error)}") from error
    except RecursionError as error:
        raise ConfigError(f"{shown_as}: lists or settings stand in one another too deep, or an anchor contains itself. "
                          "Write the values out.") from error  # fmt: skip


def _parse(text: str, shown_as: str) -> YamlTree:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        if root is None:
            return YamlTree({}, {})
        _walk(root, (), lines, shown_as)
        values = loader.construct_document(root)
    finally:
        loader.dispose()
    if values is None:
        return YamlTree({}, {})
    if not isinstance(values, dict):
        raise ConfigError(f"{shown_as}: holds {_kind(values)}. Write settings as `key: value` lines.")
    return YamlTree(values, lines)


def _walk(node: yaml.Node, at: KeyPath, lines: dict[KeyPath, int], shown_as: str) -> None:
    if isinstance(node, yaml.ScalarNode) and _HALF.search(node.value):
        raise ConfigError(f"{shown_as} line {node.start_mark.line + 1}: {dotted(at)} holds half of a character")
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            _walk(item, (*at, index), lines, shown_as)
    if not isinstance(node, yaml.MappingNode):
        return
    merged: dict[KeyPath, int] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            _walk_merged(value, at, merged, shown_as)
            continue
        here, line = (*at, key.value), key.start_mark.line + 1
        _refuse_odd_key(key, f"{shown_as} line {line}")
        if here in lines:
            raise ConfigError(
                f"{shown_as} line {line}: {dotted(here)} is set twice, first on line {lines[here]}. Keep one of them."
            )
        lines[here] = line
        _walk(value, here, lines, shown_as)
    for here, line in merged.items():
        lines.setdefault(here, line)


def _walk_merged(node: yaml.Node, at: KeyPath, merged: dict[KeyPath, int], shown_as: str) -> None:
    """Note the lines of what `<<` brings, one mapping or several: what stands in its place by itself counts first."""
    for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        found: dict[KeyPath, int] = {}
        _walk(each, at, found, shown_as)
        for here, line in found.items():
            merged.setdefault(here, line)


def _refuse_odd_key(key: yaml.Node, where: str) -> None:
    """Raise ConfigError for a key that YAML reads as something else than its text."""
    if not isinstance(key, yaml.ScalarNode):
        raise ConfigError(f"{where}: a key must be one word")
    if _HALF.search(key.value):
        raise ConfigError(f"{where}: a key holds half of a character")
    if key.tag != _TEXT:
        kind = outside(key.tag.rpartition(":")[2], 20)
        raise ConfigError(f"{where}: the key `{outside(key.value, 60)}` is no text to YAML ({kind}). Put it in quotes.")


def dotted(path: KeyPath) -> str:
    """Return a key path as people write it: `risk.max_positions`, `exit.rungs[0].gain`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def syntax(error: yaml.YAMLError) -> str:
    """Return where YAML is wrong and why, in words that passed the border."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return outside(str(error).replace("\n", " "))
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1} column {mark.column + 1}: " if mark else ""
    return f"{where}{outside(error.problem or error.context or error)}"


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else f"only {outside(value, 60)!r}"
