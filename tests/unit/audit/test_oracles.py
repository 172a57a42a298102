# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The original programs read the same files as we do: haproxy -c and my_print_defaults, where they are installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _info_option_files as reader
from ansible_collections.opendba.mysql_ha.plugins.module_utils import _settings_seen as seen
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_reader import parse, words

FIELD = Path(__file__).parent / "field"
HAPROXY = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
PRINTER = shutil.which("my_print_defaults")
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="no haproxy here")
needs_printer = pytest.mark.skipif(PRINTER is None, reason="no my_print_defaults here")
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ENVIRONMENT = {"PATH": os.environ["PATH"], "ONE": "1", "TWO": "two words"}


def haproxy_says(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    run = subprocess.run(
        [str(HAPROXY), "-c", "-f", str(path)], env=ENVIRONMENT, capture_output=True, text=True, timeout=20, check=False,
        errors="replace",
    )  # fmt: skip
    return run.stdout + run.stderr


WORD = st.lists(
    st.sampled_from(["a", "\\ ", "\\#", "\\\\", "\\q", "\\x41", '\\"', "\\'", "$ONE", "${TWO}", "\\$", "b"]), max_size=5
).map("".join)
QUOTED = st.tuples(st.sampled_from(["", '"', "'"]), WORD).filter(lambda each: each[0] != "'" or "'" not in each[1])


@needs_haproxy
@QUIET
@given(st.lists(QUOTED, min_size=1, max_size=3))
def test_words_are_split_as_haproxy_splits_them(tmp_path: Path, pieces: list[tuple[str, str]]) -> None:
    """Its complaint about a name, which has a character that is not permitted at its end, shows what it read."""
    word = "".join(f"{quote}{text}{quote}" for quote, text in pieces) + "z^"
    said = haproxy_says(tmp_path / "h.cfg", f"listen {word}\n    bind 127.0.0.1:9\n")
    found = re.search(r"is not permitted in 'listen' name '(.*)'\.$", said, re.MULTILINE | re.DOTALL)
    assert found, said
    assert words(f"listen {word}", ENVIRONMENT) == ["listen", found[1]]


CONDITIONS = [
    "1", "0", "defined(ONE)", "defined(NOPE)", '!defined(ONE)', 'streq("$ONE",1)', 'strneq("$ONE",1)',
    "version_atleast(1.5)", "version_before(1.5)", "version_atleast(99.0)", "defined(ONE) && defined(NOPE)",
    "defined(NOPE) || defined(ONE)", "!(defined(NOPE) || defined(ONE))", 'streq("$NOPE","")',
]  # fmt: skip


@needs_haproxy
@pytest.mark.parametrize("condition", CONDITIONS)
def test_blocks_are_chosen_as_haproxy_chooses_them(tmp_path: Path, condition: str) -> None:
    text = (
        f"defaults\n.if {condition}\n    mode yes^\n.elif defined(ONE)\n    mode second^\n.else\n    mode no^\n.endif\n"
    )
    said = haproxy_says(tmp_path / "h.cfg", text)
    version = subprocess.run([str(HAPROXY), "-v"], capture_output=True, text=True, timeout=20, check=True).stdout
    number = tuple(int(part) for part in re.findall(r"[0-9]+", version)[:3])
    found = parse(text.encode(), "h", dict(ENVIRONMENT), number)
    assert [line["words"][1] for line in found[0]["lines"]] == re.findall(r"unknown proxy mode '(\S+)'", said), said


@needs_haproxy
@pytest.mark.parametrize("path", sorted(FIELD.rglob("*.cfg")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_corpus_is_one_that_haproxy_takes(tmp_path: Path, path: Path) -> None:
    said = haproxy_says(tmp_path / "h.cfg", path.read_text(encoding="utf-8"))
    assert "[ALERT]" not in said, said


def ours(path: Path, series: str = "10.11") -> list[str]:
    """As the program prints them."""
    found = seen.Settings(reader.find, seen.groups_of("mysql", series))
    found.read(str(path))
    return [f"--{each['name']}" + ("" if each["value"] is None else f"={each['value']}") for each in found.settings]


def theirs(path: Path, series: str = "10.11") -> list[str]:
    run = subprocess.run(
        [str(PRINTER), f"--defaults-file={path}", "mysqld", "server", f"mysqld-{series}"],
        capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    lines = run.stdout.decode("utf-8", "replace").split("\n")[:-1]
    named = [line.partition("=") for line in lines]
    return [f"--{name[2:].replace('-', '_').lower()}{equals}{value}" for name, equals, value in named]


@needs_printer
@pytest.mark.parametrize("name", ["upper", "tab", "order", "inside", "versions"])
def test_option_files_are_read_as_the_server_reads_them(tmp_path: Path, name: str) -> None:
    for path in (FIELD / "option-files").rglob("*.cnf"):
        target = tmp_path / path.relative_to(FIELD / "option-files")
        target.parent.mkdir(exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8").replace("%DIR%", str(tmp_path)), encoding="utf-8")
    for series in ("10.11", "8.4", "5.7"):
        assert ours(tmp_path / f"{name}.cnf", series) == theirs(tmp_path / f"{name}.cnf", series) != []


LINE = st.one_of(
    st.sampled_from([
        "[mysqld]", "[MYSQLD]", "[ mysqld]", "[mysqld ]", "[mysqld] x", "[client]", "[mysqld-10.11]", "[mysqld-5.7]",
        "", "  # comment", "; comment", "!include @/in.cnf", "!\tinclude\t@/in.cnf ", "!includedir @/d",
        "skip-name-resolve",
        "\tport\t=\t1\t", "a = 'b # c' # d", 'a = "b\\"#c" # d', "a = \\s\\tx\\\\y", "a = b = c", "a =",
        "Loose-Port=3", "a = 'x",
    ]),
    st.text(alphabet="ab=# '\"\\s", max_size=8).map(lambda text: f"x{text}"),
)  # fmt: skip


@needs_printer
@QUIET
@given(st.lists(LINE, max_size=12), st.lists(LINE.filter(lambda line: "include" not in line), max_size=4))
def test_generated_option_files(tmp_path: Path, lines: list[str], inner: list[str]) -> None:
    (tmp_path / "d").mkdir(exist_ok=True)
    for path, content in (("my.cnf", lines), ("in.cnf", inner), ("d/x.cnf", inner)):
        text = "\n".join(["[mysqld]", *content]) + "\n"
        (tmp_path / path).write_text(text.replace("@", str(tmp_path)), encoding="utf-8")
    expected = [re.sub("^--loose_", "--", line) for line in theirs(tmp_path / "my.cnf")]
    # A name that no server has, like `xa b`, is a bad line to us; the printer shows it.
    expected = [line for line in expected if re.fullmatch(r"--[a-z][a-z0-9_.]*(=.*)?", line, re.DOTALL)]
    assert ours(tmp_path / "my.cnf") == expected
