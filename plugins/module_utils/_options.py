# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MySQL option files: reading them, and comparing what they say with what a server runs. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, Union

Literal = Union[str, int, Decimal]

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "\\": "\\", "s": " ", '"': '"', "'": "'"}
_BLANKS = " \t\r\v\f"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
# Of a suffix mysqld looks at the first letter alone: 16GB, 64MiB.
_NUMBER = re.compile(r"([+-]?\d{1,30}(?:\.\d{1,30})?)(?:([KMGTPE])[a-z]{0,30})?", re.IGNORECASE | re.ASCII)
_SWITCH = {"ON": True, "TRUE": True, "YES": True, "1": True, "OFF": False, "FALSE": False, "NO": False, "0": False}
_PLUGIN_OPTIONS = ("plugin_load", "plugin_load_add", "early_plugin_load")
_VARIABLE_OF = {"default_time_zone": "time_zone"}  # options whose variable is called otherwise
_FLAG_LISTS = ("optimizer_switch", "optimizer_trace", "optimizer_trace_features")

# The server rounds these down to a multiple of so many (measured on 9.7.4 by setting each), and so must a comparison.
_BLOCK = {
    "clone_buffer_size": 1048576,
    "innodb_fsync_threshold": 16384,
    "innodb_redo_log_capacity": 1048576,
    "join_buffer_size": 128,
    "key_cache_block_size": 512,
    "replica_checkpoint_group": 8,
    **dict.fromkeys(
        ("binlog_cache_size", "binlog_stmt_cache_size", "key_buffer_size", "max_binlog_cache_size", "max_binlog_size",
         "max_binlog_stmt_cache_size", "max_relay_log_size", "read_buffer_size", "rpl_read_size",
         "select_into_buffer_size"), 4096),
    **dict.fromkeys(
        ("innodb_log_buffer_size", "max_allowed_packet", "max_heap_table_size", "net_buffer_length",
         "query_alloc_block_size", "query_prealloc_size", "range_alloc_block_size", "replica_max_allowed_packet",
         "replica_pending_jobs_size_max", "set_operations_buffer_size", "transaction_alloc_block_size",
         "transaction_prealloc_size"), 1024),
}  # fmt: skip
# At start the server fits these to the machine or to each other, so the running value need never be the configured one.
_FITTED = ("innodb_buffer_pool_chunk_size", "innodb_buffer_pool_instances", "innodb_page_cleaners", "open_files_limit")


class BadOptionFile(Exception):
    """A line that mysqld would not accept, or that cannot be judged."""


@dataclass(frozen=True)
class Setting:
    """One option as the file has it. `value` is None where it stands alone, like skip-name-resolve."""

    name: str  # underscores, without loose_
    value: str | None
    line: int


@dataclass(frozen=True)
class Difference:
    """A setting whose variable runs with another value. `literal` is what SET GLOBAL would be given."""

    name: str
    running: str
    configured: str
    literal: Literal


@dataclass(frozen=True)
class Comparison:
    configured: dict[str, str]  # what the file has, by variable
    differences: tuple[Difference, ...]
    missing_plugins: tuple[str, ...]  # as written in the file
    not_compared: tuple[str, ...]  # options that no variable shows, or that the server fits by itself


def parse_option_file(text: str, series: str) -> list[Setting]:
    """The settings that a server of `series` (like 9.7) reads: the last one of a name, all of those that add up.

    Raises BadOptionFile.
    """
    return parse_groups(text, ("mysqld", "server", f"mysqld-{series}"))


def parse_groups(text: str, groups: Iterable[str]) -> list[Setting]:
    """The settings of some groups. Raises BadOptionFile."""
    wanted = {group.lower() for group in groups}
    found: dict[object, Setting] = {}
    for line in read_lines(text):
        if line.kind == "broken" or (line.kind == "bad" and line.group.lower() in wanted):
            raise BadOptionFile(f"line {line.number}: {line.text}")
        if line.kind.startswith("include"):
            raise BadOptionFile(f"line {line.number}: !{line.kind} is not followed; give the content of one file")
        if line.setting and line.group.lower() in wanted:
            key: object = line.number if line.setting.name in _PLUGIN_OPTIONS else line.setting.name
            found.pop(key, None)
            found[key] = line.setting
    return list(found.values())


class Line(NamedTuple):
    """One line that means something. `kind`: setting, include, includedir (`text` is the path), bad or broken.

    `bad` is for the programs that read its group, `broken` for all; `text` says why.
    """

    number: int
    kind: str
    group: str
    text: str
    setting: Setting | None = None


def read_lines(text: str) -> Iterator[Line]:
    """As mysqld reads a file, but beyond a bad line too, where it would refuse to start."""
    group: str | None = None
    lines = text.split("\n")
    for number, raw in enumerate(lines, start=1):
        line = raw.strip(_BLANKS)
        if not line or line[0] in "#;":
            continue
        if line[0] == "!":
            kind, target = [*re.split(f"[{_BLANKS}]+", line[1:].lstrip(_BLANKS), maxsplit=1), ""][:2]
            if kind in ("include", "includedir") and target:
                if number == len(lines) and raw[-1] not in _BLANKS:  # it takes the last character for the line's end
                    target = target[:-1].rstrip(_BLANKS)
                yield Line(number, kind, group or "", target)
            else:  # mysqld passes over it without a word
                yield Line(number, "broken", group or "", "after ! comes include or includedir, and a path")
        elif line[0] == "[":
            name, bracket, _rest = line[1:].partition("]")
            if bracket:
                group = name.rstrip(_BLANKS)  # a blank before the name belongs to it
            else:
                yield Line(number, "broken", group or "", "the group has no closing bracket")
        elif group is None:
            yield Line(number, "broken", "", "an option before any [group]")
        else:
            try:
                setting = _parse_setting(_without_comment(line), number)
            except BadOptionFile as error:
                yield Line(number, "bad", group, str(error).partition(": ")[2])
            else:
                yield Line(number, "setting", group, "", setting)


def _without_comment(line: str) -> str:
    """Up to a # outside of quotes; a backslash counts inside of them only."""
    quote, escaped = "", False
    for position, character in enumerate(line):
        if character in "'\"" and not escaped and quote in ("", character):
            quote = "" if quote else character
        if character == "#" and not quote:
            return line[:position].rstrip()
        escaped = bool(quote) and character == "\\" and not escaped
    return line


def _parse_setting(line: str, number: int) -> Setting:
    name, separator, value = (part.strip(_BLANKS) for part in line.partition("="))
    if not _NAME.fullmatch(name):  # not shown: it may be a password without its =
        raise BadOptionFile(f"line {number}: it does not begin with the name of an option")
    name = name.replace("-", "_").lower()
    if name.startswith("loose_"):
        name = name[len("loose_") :]
    return Setting(name, _unquoted(value) if separator else None, number)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), value, flags=re.DOTALL)


def compare(
    settings: Iterable[Setting],
    variables: Mapping[str, str],
    plugins: Iterable[tuple[str, str]],
    ignored: Iterable[str],
) -> Comparison:
    """Holds settings against the global variables and active plugins (name, library) of a server."""
    active = {text.lower() for pair in plugins for text in pair if text}
    skipped = set(ignored)
    configured: dict[str, str] = {}
    missing_plugins: list[str] = []
    not_compared: list[str] = []
    for setting in settings:
        name, value = _resolve(setting, variables)
        if setting.name in _PLUGIN_OPTIONS:
            missing_plugins += _inactive(value, active)
        elif name not in variables or name in _FITTED:
            not_compared.append(setting.name)
        elif not skipped & {name, setting.name}:
            configured[name] = value  # skip_x after x: the later line wins
    differences = tuple(
        Difference(name, running_value(name, variables), value, _literal(value, variables[name]))
        for name, value in configured.items()
        if not same_value(name, value, variables)
    )
    return Comparison(configured, differences, tuple(missing_plugins), tuple(not_compared))


def _resolve(setting: Setting, variables: Mapping[str, str]) -> tuple[str, str]:
    """The variable that an option sets, and the value; an option that stands alone switches on."""
    name = _VARIABLE_OF.get(setting.name, setting.name)
    value = "ON" if setting.value is None else setting.value
    for prefix, switch in (("skip_", False), ("disable_", False), ("enable_", True)):
        if name not in variables and name.startswith(prefix) and name[len(prefix) :] in variables:
            return name[len(prefix) :], "ON" if _SWITCH.get(value.upper(), True) is switch else "OFF"
    return name, value


def _inactive(value: str, active: set[str]) -> list[str]:
    entries = [entry.strip() for entry in value.split(";") if entry.strip()]
    return [entry for entry in entries if _plugin_key(entry) not in active]


def _plugin_key(entry: str) -> str:
    """`name=library` is known by its name, `library` by its file."""
    name, separator, _library = entry.partition("=")
    return name.strip().lower() if separator or name.endswith(".so") else f"{name.lower()}.so"


def running_value(name: str, variables: Mapping[str, str]) -> str:
    """What the server shows for an option; for log_bin, whose variable is ON, the files' base name."""
    if name == "log_bin" and variables[name] == "ON":
        return variables.get("log_bin_basename", "ON")
    return variables[name]


def same_value(name: str, configured: str, variables: Mapping[str, str]) -> bool:
    """Whether a server that runs with `variables` does what `configured` asks for."""
    running = variables[name]
    if name == "log_bin" and running == "ON" and configured.upper() not in _SWITCH:
        return _path(without_extension(configured), variables) == _path(running_value(name, variables), variables)
    if name == "relay_log":
        return _path(without_extension(configured), variables) == _path(without_extension(running), variables)
    if name == "log_error" and "." not in posixpath.basename(configured) and configured not in ("", "stderr"):
        configured = f"{configured}.err"
    if running in ("ON", "OFF") and configured.upper() in _SWITCH:
        return _SWITCH[configured.upper()] is (running == "ON")
    number, running_number = parse_number(configured), parse_number(running)
    if number is not None and running_number is not None:
        return _rounded(name, number, variables) == running_number
    if name in _FLAG_LISTS:
        return _items(configured) <= _items(running)
    if "/" in running or "/" in configured:
        return _path(configured, variables) == _path(running, variables)
    if "," in running or "," in configured:
        return _items(configured) == _items(running)
    return configured.lower() == running.lower()


def without_extension(path: str) -> str:
    """As mysqld takes the name of a log, whose files have numbers for extensions."""
    return re.sub(r"\.[^./]*$", "", path) if posixpath.basename(path).rpartition(".")[0] else path


def _items(text: str) -> set[str]:
    return {item.strip().lower() for item in text.split(",") if item.strip()}


def _path(text: str, variables: Mapping[str, str]) -> str:
    return posixpath.normpath(posixpath.join(variables.get("datadir", "/"), text)) if text else ""


def _rounded(name: str, number: Fraction, variables: Mapping[str, str]) -> Fraction:
    if name == "innodb_buffer_pool_size":  # rounded up, to whole chunks in every instance
        chunk = int(variables.get("innodb_buffer_pool_chunk_size", "1")) or 1
        unit = chunk * int(variables.get("innodb_buffer_pool_instances", "1"))
        return Fraction(-(-int(number) // unit) * unit)
    block = _BLOCK.get(name)
    return Fraction(int(number) // block * block) if block else number


def parse_number(text: str) -> Fraction | None:
    """A number with an optional suffix K, M, G, T, P or E (powers of 1024); None for anything else."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    power = " KMGTPE".index(match[2].upper()) if match[2] else 0
    return Fraction(match[1]) * (1 << 10 * power)


def _literal(configured: str, running: str) -> Literal:
    if running in ("ON", "OFF") and configured.upper() in _SWITCH:
        return "ON" if _SWITCH[configured.upper()] else "OFF"
    number = parse_number(configured)
    if number is None or parse_number(running) is None:
        return configured
    return int(number) if number.denominator == 1 else Decimal(number.numerator) / number.denominator
