# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""keepalived's configuration language."""

from __future__ import annotations

import fnmatch
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _keepalived_conf
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import (
    Unreadable,
    alternatives,
    effective,
    parse,
    read_all,
    walk,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_secrets import without_secrets
from unit.vrrp.practitioners import DIRECTOR, LOCAL_CHECK, MODERN, PER_INSTANCE, UNICAST

MAIN = "/etc/keepalived/keepalived.conf"


def short(statements: list[Any]) -> list[Any]:
    """Words and blocks only."""
    return [
        " ".join(entry["words"]) if entry["block"] is None else (" ".join(entry["words"]), short(entry["block"]))
        for entry in statements
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b\nc\n", ["a b", "c"]),
        ("a { b\n c }\n", [("a", ["b", "c"])]),
        ("a\n{\n  b\n}\nc", [("a", ["b"]), "c"]),
        ("a{\nb\n}", [("a", ["b"])]),
        ("a { b { c } d }", [("a", [("b", ["c"]), "d"])]),
        ("a { }", [("a", [])]),
        ("! a\n# b\nc ! d\ne # f\n", ["c", "e"]),
        ("pass abc#def", ["pass abc"]),
        (r"pass abc\#def", ["pass abc#def"]),
        ('say "a # b ! c" d', ["say a # b ! c d"]),
        ('say "a { b }"', ["say a { b }"]),
        (r'say "a \"b\" c"', ['say a "b" c']),
        ("a \\\n  b\nc", ["a b", "c"]),
        ("a ${NAME} {\nb ${N}x\n}", [("a ${NAME}", ["b ${N}x"])]),
        ("include d/{a,b}.conf # two", ["include d/{a,b}.conf"]),
        ("a\r\nb {\r\nc\r\n}\r\n", ["a", ("b", ["c"])]),
        ("a\tb\t{\n\tc\n}", [("a b", ["c"])]),
        ("@one a b\n@^two c\n@three", ["a b", "c"]),
        ("$A=1 2\n~SEQ(N, 1, 2) a $N", ["$A=1 2", "~SEQ(N, 1, 2) a $N"]),
        ("\ufeff", ["\ufeff"]),
        ("", []),
    ],
)
def test_statements(text: str, expected: list[Any]) -> None:
    statements, problems = parse(text.encode(), MAIN)
    assert short(statements) == expected
    assert problems == []


def test_places_and_conditions() -> None:
    statements, _problems = parse(b"a\n\n@x b {\n c\n  d \\\n e\n f\n}\n", "f")
    assert [(entry["words"][0], entry["at"], entry["condition"]) for entry in walk(statements)] == [
        ("a", "f:1", None), ("b", "f:3", "@x"), ("c", "f:4", None), ("d", "f:5", None), ("f", "f:7", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem", "expected"),
    [
        ("a {\nb", "f:1: the block is not closed", [("a", ["b"])]),
        ("a }\nb", "f:1: a brace closes nothing", ["a", "b"]),
        ("{\na\n}", "f:1: a block without a name", [("", ["a"])]),
        ('a "b c', "f:1: a quote is not closed", ["a b c"]),
        ("a {\n", "f:1: the block is not closed", [("a", [])]),
    ],
)
def test_what_is_odd_is_read_and_told(text: str, problem: str, expected: list[Any]) -> None:
    statements, problems = parse(text.encode(), "f")
    assert problems == [problem]
    assert short(statements) == expected


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a\0b", "is not text"), (b"a { " * 21, "blocks within blocks"), (b"x" * 100, "is larger than")],
)
def test_unreadable(data: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_keepalived_conf, "LARGEST", 90)
    with pytest.raises(Unreadable, match=said):
        parse(data, MAIN)


class Files(dict[str, str]):
    """A directory tree; patterns as the loader understands them."""

    def find(self, pattern: str) -> list[tuple[str, bytes]]:
        return [
            (path, self[path].encode())
            for each in alternatives(pattern)
            for path in sorted(self)
            if fnmatch.fnmatch(path, each)
        ]


def test_includes_are_relative_to_the_file_that_includes() -> None:
    tree = Files({
        MAIN: "a\ninclude conf.d/*.conf\nb {\n include sub/one\n}\n",
        "/etc/keepalived/conf.d/1.conf": "c\ninclude ../sub/one\n",
        "/etc/keepalived/conf.d/2.conf": "d",
        "/etc/keepalived/sub/one": "e",
    })  # fmt: skip
    found = read_all(MAIN, tree.find)
    assert short(found.statements) == ["a", "c", "e", "d", ("b", ["e"])]
    assert found.statements[2]["at"] == "/etc/keepalived/sub/one:1"
    assert found.problems == []
    assert len(found.files) == 5


def test_what_is_not_there_is_told_and_the_rest_is_read() -> None:
    found = read_all(MAIN, Files({MAIN: "include nix/*.conf\nincluder /nix\na"}).find)
    assert short(found.statements) == ["a"]
    assert found.problems == [
        f"{MAIN}:1: include: no file is /etc/keepalived/nix/*.conf", f"{MAIN}:2: include: no file is /nix",
    ]  # fmt: skip


def test_no_configuration_at_all() -> None:
    with pytest.raises(Unreadable, match="no file is"):
        read_all(MAIN, Files().find)

    def refused(_pattern: str) -> list[tuple[str, bytes]]:
        raise PermissionError(13, "Permission denied", MAIN)

    with pytest.raises(Unreadable, match="Permission denied"):
        read_all(MAIN, refused)


@pytest.mark.parametrize(
    "tree",
    [
        {MAIN: "include keepalived.conf"},
        {MAIN: "include b", "/etc/keepalived/b": "include keepalived.conf"},
        {MAIN: "include 1", **{f"/etc/keepalived/{number}": f"include {number + 1}" for number in range(1, 40)}},
    ],
)
def test_files_that_include_without_end(tree: dict[str, str]) -> None:
    with pytest.raises(Unreadable, match=r"includes itself|without end"):
        read_all(MAIN, Files(tree).find)


def test_files_that_multiply() -> None:
    """Each level includes the next many times: no memory is large enough for what that means."""
    tree = {MAIN: "include 1\n" * 50}
    tree |= {f"/etc/keepalived/{number}": f"include {number + 1}\n" * 50 + "a\n" * 500 for number in range(1, 10)}
    with pytest.raises(Unreadable, match=r"more than|larger than"):
        read_all(MAIN, Files(tree).find)


def test_conditions() -> None:
    statements, _problems = parse(b"@one a\n@^one b\n@two c\nd {\n@one e\n@two f\n}", "f")
    assert short(effective(statements, "one")) == ["a", ("d", ["e"])]
    assert short(effective(statements, "two")) == ["b", "c", ("d", ["f"])]
    statements, _problems = parse(b"@one\tpriority 1\n@two \t priority 2", "f")
    assert short(effective(statements, "one")) == ["priority 1"]
    assert short(effective(statements, "two")) == ["priority 2"]


def test_an_include_under_a_condition() -> None:
    tree = Files({
        MAIN: "a {\n@one include 1\n@two include 2\n}", "/etc/keepalived/1": "b\n@one c\n@two d",
        "/etc/keepalived/2": "e { f }\ninclude 3", "/etc/keepalived/3": "g",
    })  # fmt: skip
    found = read_all(MAIN, tree.find).statements
    assert short(effective(found, "one")) == [("a", ["b", "c"])]
    assert short(effective(found, "two")) == [("a", [("e", ["f"]), "g"])]
    assert short(effective(found, "three")) == [("a", [])]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("a", ["a"]), ("{a,b}c", ["ac", "bc"]), ("x{a,{b,c}}y{1,2}", ["xay1", "xay2", "xby1", "xby2", "xcy1", "xcy2"])],
)
def test_braces_of_patterns(pattern: str, expected: list[str]) -> None:
    assert sorted(alternatives(pattern)) == expected


@settings(deadline=None)
@given(st.text(alphabet="{},ab", max_size=200))
def test_braces_end(pattern: str) -> None:
    assert len(alternatives(pattern)) <= 1000


def test_hostile_braces_end() -> None:
    assert len(alternatives("{a,b}" * 40)) <= 1000
    assert len(alternatives("{" + "a," * 100000 + "}")) <= 4096


def test_modern_language() -> None:
    tree = Files({MAIN: MODERN, "/etc/keepalived/conf.d/tracks.conf": "track_file { lead }"})
    found = read_all(MAIN, tree.find)
    assert any(entry["words"][:1] == ["~SEQ(N,"] for entry in found.statements)
    orders = next(entry for entry in found.statements if entry["words"] == ["vrrp_instance", "orders"])
    assert ("track_file", ["lead"]) in short(orders["block"])
    vip = next(entry for entry in walk(orders["block"]) if entry["words"][0] == "${VIP}")
    assert vip["words"] == ["${VIP}", "dev", "${DEV}", "label", "eth0:9"]


# ---- hostile input ---------------------------------------------------------------------------------------------------

TEXTS = [LOCAL_CHECK, DIRECTOR, PER_INSTANCE, UNICAST, MODERN]


def read(data: bytes) -> None:
    try:
        statements, problems = parse(data, "f")
    except Unreadable as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert all(entry["words"] and entry["at"].startswith("f:") for entry in walk(statements))
        assert len(problems) <= 100
        without_secrets(effective(statements, "x"))


@given(st.binary())
def test_anything(data: bytes) -> None:
    read(data)


@given(st.text(alphabet='{}"\'\\#!@$~ \tab\n'))
def test_anything_of_its_own_signs(text: str) -> None:
    read(text.encode())


@given(st.sampled_from(TEXTS), st.integers(0, 900), st.integers(0, 900), st.binary(max_size=4))
def test_a_configuration_with_a_piece_missing_or_changed(text: str, start: int, end: int, instead: bytes) -> None:
    data = text.encode()
    read(data[:start] + instead + data[end:])


@pytest.mark.parametrize(
    "text",
    ["}", "a ", '"', "\\\n", "a\n", "a {\n}\n", "{a,b}", "-p", "-p ", "a-", "://a", "-p' ", "$a=$a ", "include x\n",
     "@"],
)  # fmt: skip
def test_huge_ones_end_in_time(text: str) -> None:
    started = time.monotonic()
    read(text.encode() * (400_000 // len(text)))
    assert time.monotonic() - started < 10
