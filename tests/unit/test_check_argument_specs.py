# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""tools/check_argument_specs.py finds each kind of disagreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import check_argument_specs

DEFAULTS, SPECIFICATION = "defaults/main.yml", "meta/argument_specs.yml"
GOOD_DEFAULTS = {"wall_colour": "red", "wall_password": ""}
GOOD_OPTIONS: dict[str, Any] = {
    "wall_colour": {"type": "str", "default": "red"},
    "wall_password": {"type": "str", "default": ""},
    "wall_owner": {"type": "str", "required": True},
    "wall_height": {"type": "int", "description": ["In metres.", "No default."]},
    "house_name": {"type": "str", "required": True},
}


def found(defaults: dict[str, Any], options: dict[str, Any]) -> list[str]:
    return list(check_argument_specs.problems("wall", defaults, options))


def test_a_good_role_has_no_problem() -> None:
    assert found(GOOD_DEFAULTS, GOOD_OPTIONS) == []


@pytest.mark.parametrize(
    ("defaults", "options", "problem"),
    [
        ({"roof": "a"}, {"roof": {"default": "a"}}, "roof: a default of this role begins with `wall_`"),
        ({"wall_auth_pass": "x"}, {"wall_auth_pass": {"default": "x"}}, "wall_auth_pass: a secret has no default"),
        ({"wall_key": "x"}, {"wall_key": {"default": "x"}}, "wall_key: a secret has no default"),
        ({"wall_age": 1}, {}, f"wall_age: in {DEFAULTS}, but not in {SPECIFICATION}"),
        ({"wall_age": 1}, {"wall_age": {}}, f"wall_age: {SPECIFICATION} names no default, {DEFAULTS} has 1"),
        ({"wall_age": 1}, {"wall_age": {"default": 2}}, f"wall_age: default 2 in {SPECIFICATION}, 1 in {DEFAULTS}"),
        ({"wall_on": 1}, {"wall_on": {"default": True}}, f"wall_on: default True in {SPECIFICATION}, 1 in {DEFAULTS}"),
        ({}, {"wall_age": {"default": 1}}, f"wall_age: {SPECIFICATION} names a default, {DEFAULTS} has none"),
        (
            {},
            {"wall_age": {"description": "Its age."}},
            "wall_age: neither a default, nor `required: true`, nor a description that says `No default`",
        ),
    ],
)
def test_names_the_problem(defaults: dict[str, Any], options: dict[str, Any], problem: str) -> None:
    assert found(GOOD_DEFAULTS | defaults, GOOD_OPTIONS | options) == [problem]


def test_fails_and_names_the_role(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, default in (("wall", "red"), ("roof", "grey")):
        role = tmp_path / name
        (role / "defaults").mkdir(parents=True)
        (role / "meta").mkdir()
        (role / "defaults" / "main.yml").write_text(f"{name}_colour: {default}\n")
        specification = {"argument_specs": {"main": {"options": {f"{name}_colour": {"default": "red"}}}}}
        (role / "meta" / "argument_specs.yml").write_text(yaml.safe_dump(specification))
    assert check_argument_specs.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == (
        f"{tmp_path}/roof: roof_colour: default 'red' in meta/argument_specs.yml, 'grey' in defaults/main.yml\n"
    )


def test_a_role_without_specification_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "wall").mkdir()
    assert check_argument_specs.main([str(tmp_path)]) == 1
