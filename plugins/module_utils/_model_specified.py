# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values held against the argument specifications of the roles.

Pure. Ansible does the same, but stops at the first host and task, and prints the whole specification with each mistake.
What may refer to facts that do not exist yet is left to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ._model_input import Problems, shown, unresolved
from ._model_names import Declared
from ._model_values import Refused, one_of, read_text
from ._spelling import closest

Specification = Mapping[str, Any]
_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0", "y", "n", "t", "f")


def checkable(declared: Declared, judged: Iterable[str]) -> list[str]:
    """The variables with something to check that no table of the model judges. Plain secrets are not worth reading."""
    skipped = frozenset(judged)
    return [
        name
        for name, specification in declared.options.items()
        if name not in skipped and specification.get("type", "str") != "raw" and not specification.get("no_log")
    ]


def check_values(
    hosts: Mapping[str, Mapping[str, Any]], play: Iterable[str], declared: Declared, judged: Iterable[str],
    problems: Problems,
) -> None:  # fmt: skip
    for name in play:
        for variable in checkable(declared, judged):
            value = hosts[name]["variables"].get(variable)
            if value is None or unresolved(value):
                continue
            try:
                check(declared.options[variable], value)
            except Refused as refusal:
                problems.add([name], f"{variable} {refusal.text}", refusal.mend)


def check(specification: Specification, value: object) -> None:
    """Raises Refused."""
    kind = specification.get("type", "str")
    if kind in _CHECKS:
        _CHECKS[kind](specification, value)
    if "choices" in specification:
        _say(one_of(*specification["choices"]), value)


def _check_text(specification: Specification, value: object) -> None:
    _say(read_text, value)


def _check_number(specification: Specification, value: object) -> None:
    whole = specification["type"] == "int"
    fix = f"write {'an integer' if whole else 'a number'}, e.g. {specification.get('default', 1)}"
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        if whole and int(value) != float(value):
            raise ValueError
        float(value)
    except ValueError:
        raise Refused(f"{shown(value)} is not {'an integer' if whole else 'a number'}", fix) from None


def _check_boolean(specification: Specification, value: object) -> None:
    if str(value).strip().lower() not in _BOOLEANS:
        raise Refused(f"{shown(value)} is neither true nor false", "write true or false")


def _check_list(specification: Specification, value: object) -> None:
    element = {**specification, "type": specification.get("elements", "raw")}
    if not isinstance(value, (list, tuple)):
        raise Refused("is not a list", f"write a list of {_example(element)}")
    for number, item in enumerate(value, start=1):
        if unresolved(item):
            continue
        try:
            check({key: entry for key, entry in element.items() if key != "default"}, item)
        except Refused as refusal:
            raise Refused(f"item {number} {refusal.text}", refusal.mend) from None


def _check_dictionary(specification: Specification, value: object) -> None:
    options: Mapping[str, Specification] = specification.get("options") or {}
    if not isinstance(value, Mapping):
        raise Refused("is not a dictionary", f"write {_example(specification)}")
    if not options:
        return
    for key in value:
        if key not in options:
            right = closest(str(key), options)
            raise Refused(f"has {shown(key)}, which is not one of {', '.join(options)}",
                          f"did you mean {right}?" if right else "remove it")  # fmt: skip
    for key, option in options.items():
        if value.get(key) is None:
            if option.get("required"):
                raise Refused(f"has no {key}", f"write {_example(specification)}")
        elif not unresolved(value[key]) and not option.get("no_log"):
            try:
                check(option, value[key])
            except Refused as refusal:
                raise Refused(f"{key} {refusal.text}", refusal.mend) from None


def _example(specification: Specification) -> str:
    options = specification.get("options") or {}
    if specification.get("type") == "dict":
        return f"{{{', '.join(f'{key}: ...' for key in options)}}}" if options else "names and values"
    return "text" if specification.get("type") in ("str", "path") else "values"


def _say(read: Callable[[object], object], value: object) -> None:
    """As the tables of the model do: the value before the reason."""
    try:
        read(value)
    except Refused as refusal:
        raise Refused(f"{shown(value)} {refusal.text}", refusal.mend) from None


_CHECKS: dict[str, Callable[[Specification, object], None]] = {
    "str": _check_text,
    "path": _check_text,
    "int": _check_number,
    "float": _check_number,
    "bool": _check_boolean,
    "list": _check_list,
    "dict": _check_dictionary,
}
