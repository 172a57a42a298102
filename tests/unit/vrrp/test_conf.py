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
        ("a \\\n  b\nc", ["a\\", "b", "c"]),  # only a definition is continued
        ("# a \\\nb", ["\\", "b"]),
        ("$A= \\\na { \\\n # no \\\nb $N \\\n}\n$N=1\n$A\n$N=2\nc $A", [("a", ["b 1"]), ("c a", ["b 2"])]),
        ("$A=x \\\n  y\n$B=$A\nz $B\n$A", ["z x", "y", "x", "y"]),
        ("$A=x \\\n\nb", ["b"]),
        ("a ${NAME} {\nb ${N}x\n}", [("a ${NAME}", ["b ${N}x"])]),
        ("include d/{a,b}.conf # two", ["include d/{a,b}.conf"]),
        ("a\r\nb {\r\nc\r\n}\r\n", ["a", ("b", ["c"])]),
        ("a\tb\t{\n\tc\n}", [("a b", ["c"])]),
        ("@one a b\n@^two c\n@three", ["c"]),
        ("@one a {\n@^two b {\nc\n}", [("b", ["c"])]),
        ("$A=1 2\n~SEQ(N, 1, 2) a $N", ["a 1", "a 2"]),
        ("~SEQx(N, 9, 11)  a$N", ["a9", "aa", "ab"]),
        ("$N=1\na $N/2 $N.", ["a $N/2 $N."]),
        ("~SEQ(N, 4, -2, 1) ~SEQ(M, 2) a $N $M", ["a 4 1", "a 4 2", "a 2 1", "a 2 2"]),
        ("~SEQx(N, 9, 10) a ${N}", ["a 9", "a a"]),
        ("~SEQ(N, 1, 0, 2) a\n~SEQ(x) a\nb", ["b"]),
        ("$C=@^x\n$C a\n$D=@x\n$D b", ["a"]),
        ("a ${_INSTANCE}b", ["a b"]),
        ("\ufeff", ["\ufeff"]),
        ("", []),
    ],
)
def test_statements(text: str, expected: list[Any]) -> None:
    statements, problems = parse(text.encode(), MAIN)
    assert short(statements) == expected
    assert problems == []


def test_places_and_conditions() -> None:
    statements, _problems = parse(b"a\n\n@x b {\n c\n  d \\\n e\n f\n}\n", "f", "x")
    assert [(entry["words"][0], entry["at"], entry["condition"]) for entry in walk(statements)] == [
        ("a", "f:1", None), ("b", "f:3", "@x"), ("c", "f:4", None), ("d\\", "f:5", None),
        ("e", "f:6", None), ("f", "f:7", None),
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


@pytest.mark.parametrize(
    ("name", "expected"), [("one", ["a", ("d", ["e", "g"])]), ("two", ["b", "c", ("d", ["f", "g"])])]
)
def test_conditions(name: str, expected: list[Any]) -> None:
    text = b"@one a\n@^one b\n@two c\nd {\n@one\te\n@two \t f\ng\n}"
    assert short(parse(text, "f", name)[0]) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("one", [("a", ["b", "c"])]), ("two", [("a", [("e", ["f"]), "g"])]), ("three", [("a", [])])]
)
def test_an_include_under_a_condition(name: str, expected: list[Any]) -> None:
    tree = Files({
        MAIN: "a {\n@one include 1\n@two include 2\n}", "/etc/keepalived/1": "b\n@one c\n@two d",
        "/etc/keepalived/2": "e { f }\ninclude 3", "/etc/keepalived/3": "g",
    })  # fmt: skip
    assert short(read_all(MAIN, tree.find, name).statements) == expected


def test_what_an_included_file_defines_the_next_lines_use() -> None:
    tree = Files({
        MAIN: "$D=sub\ninclude ${D}/vars\na $N\nauth_pass $P",
        "/etc/keepalived/sub/vars": "$N=1\n$P=geheim\nb $P $_PWD",
    })  # fmt: skip
    assert short(read_all(MAIN, tree.find).statements) == ["b $P /etc/keepalived/sub", "a 1", "auth_pass geheim"]


def test_definitions_that_mean_more_than_is_read() -> None:
    text = "$A=x \\\ny\n" + "".join(f"$A{n}=$A{n - 1} \\\n$A{n - 1}\n" for n in range(1, 9)).replace("$A0", "$A")
    with pytest.raises(Unreadable, match="more"):
        parse((text + "$A8\n" * 2000).encode(), "f")
    with pytest.raises(Unreadable, match="more"):
        parse(b"~SEQ(N, 9999) ~SEQ(M, 9999) x", "f")


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
    assert len([problem for problem in found.problems if "part" in problem]) == 3
    orders = next(entry for entry in found.statements if entry["words"] == ["vrrp_instance", "orders"])
    assert ("track_file", ["lead"]) in short(orders["block"])
    assert "192.0.2.150/24 dev eth0 label eth0:9" in short(walk(orders["block"]))


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
        without_secrets(statements)


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
    ["}", "a ", '"', "\\\n", "$A=\\\n$A\n", "~SEQ(N,1,9) $N\n", "a\n", "a {\n}\n", "{a,b}", "-p", "-p ", "a-", "://a",
     "-p' ", "$a=$a ", "include x\n",
     "@"],
)  # fmt: skip
def test_huge_ones_end_in_time(text: str) -> None:
    started = time.process_time()
    read(text.encode() * (400_000 // len(text)))
    assert time.process_time() - started < 10
