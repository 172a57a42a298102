# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The man page and the completion say what the parser says."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mysql_ha_agent import cli

FILES = Path(__file__).parents[3] / "roles" / "agent" / "files"


def parsers() -> dict[str, argparse.ArgumentParser]:
    actions = cli.parser()._actions
    return next(dict(action.choices) for action in actions if isinstance(action, argparse._SubParsersAction))


def options_of(verb: str) -> set[str]:
    return {name for action in parsers()[verb]._actions for name in action.option_strings} - {"-h", "--help"}


def man_page() -> str:
    text = (FILES / "mysql-ha.1").read_text(encoding="utf-8").replace("\\-", "-").replace("\\&", "")
    return re.sub(r"\\f[IRB]", "", text)


def section(name: str) -> str:
    return man_page().partition(f"\n.SH {name}\n")[2].partition("\n.SH ")[0]


def test_the_man_page_has_every_verb_and_no_other() -> None:
    assert re.findall(r"^\.TP\n\.B (\S+)$", section("VERBS"), re.MULTILINE) == list(parsers())


def test_the_synopsis_has_the_options_of_every_verb() -> None:
    found = {}
    for entry in section("SYNOPSIS").split(".br\n"):
        words = re.sub(r"^\.\w+ ?", "", entry, flags=re.MULTILINE).replace("\n", " ")
        found[words.split()[1]] = set(re.findall(r"--[a-z-]+", words))
    assert found == {verb: options_of(verb) for verb in parsers()}


def test_the_man_page_describes_every_option() -> None:
    described = re.findall(r"^\.TP\n\.B[IR]? (--[a-z-]+)", section("OPTIONS"), re.MULTILINE)
    assert sorted(described) == sorted(set().union(*map(options_of, parsers())))


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_page_is_well_formed() -> None:
    page = FILES / "mysql-ha.1"
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def completed(*words: str, directory: Path | None = None) -> list[str]:
    script = (
        f'source {FILES / "mysql-ha.bash-completion"}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mysql_ha;'
        ' printf "%s\\n" "${COMPREPLY[@]}"')
    environment = {"PATH": "/usr/bin:/bin", "MYSQL_HA_DIRECTORY": str(directory)}
    done = subprocess.run(
        ["bash", "-c", script, "bash", "mysql-ha", *words], capture_output=True, text=True, check=True, env=environment)
    assert not done.stderr
    return done.stdout.split()


class TestCompletion:
    def test_the_verbs(self) -> None:
        assert completed("") == [*parsers(), "-h", "--help"]
        assert completed("re") == ["release", "resume"]

    def test_the_options_of_every_verb(self) -> None:
        for verb in parsers():
            assert set(completed(verb, "-")) == {*options_of(verb), "-h", "--help"}, verb

    def test_the_instances(self, tmp_path: Path) -> None:
        for name in ("orders-a", "orders-b", "billing"):
            (tmp_path / f"{name}.json").touch()
        assert completed("status", "--instance", "", directory=tmp_path) == ["billing", "orders-a", "orders-b"]
        assert completed("status", "--instance", "b", directory=tmp_path) == ["billing"]

    def test_no_instance(self, tmp_path: Path) -> None:
        assert completed("status", "--instance", "", directory=tmp_path) == []
