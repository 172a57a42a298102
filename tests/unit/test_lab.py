# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab reads out of an inventory, and which image it makes a host from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import engine
import image
import lab_inventory
import multicast
from lab_inventory import Host
from shell import LabError

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted((ROOT / "lab/image").glob("[be]*")) + sorted((ROOT / "lab/kernel").glob("[bei]*"))


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    def loaded(**hosts: dict[str, Any]) -> lab_inventory.Wanted:
        listing = {"lab": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}}
        monkeypatch.setattr(lab_inventory, "_listing", lambda _sources: listing)
        return lab_inventory.load(["inventory"])

    return loaded


def test_a_host_has_sid_and_the_machines_kernel_unless_the_inventory_says_otherwise(load: Any) -> None:
    wanted = load(db1={"lab_disk": "2G"}, director1={"lab_ipvs": True, "lab_release": "bookworm"})
    assert wanted.hosts == (
        Host("db1", "", disk="2G", release="sid", ipvs=False),
        Host("director1", "", release="bookworm", ipvs=True),
    )


def test_names_that_share_a_machine_are_one_host(load: Any) -> None:
    wanted = load(
        a={"ansible_host": "m", "lab_address": "10.77.0.5"}, b={"ansible_host": "m", "lab_ipvs": True, "lab_disk": ""}
    )
    assert wanted.hosts == (Host("m", "10.77.0.5", ipvs=True),)


def test_addresses_are_kept_then_the_lowest_free_ones_are_given(load: Any) -> None:
    wanted = load(new={}, old={}, fixed={"lab_address": "10.77.0.11"})
    hosts = {host.key: host.address for host in wanted.addressed({"10.77.0.12": "old", "10.77.0.13": "other"})}
    assert hosts == {"new": "10.77.0.14", "old": "10.77.0.12", "fixed": "10.77.0.11"}


def test_an_address_of_another_host_of_the_lab_is_refused(load: Any) -> None:
    with pytest.raises(LabError, match=r"a: lab_address 10\.77\.0\.9 is that of the lab's host b"):
        load(a={"lab_address": "10.77.0.9"}).addressed({"10.77.0.9": "b"})


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        ({"a": {"lab_address": "10.78.0.9"}}, "outside lab_subnet"),
        ({"a": {"lab_address": "nowhere"}}, "lab_address"),
        ({"a": {"lab_subnet": "10.77.0.1/24"}}, "lab_subnet"),
        ({"a": {"lab_subnet": "10.78.0.0/24"}, "b": {}}, "lab_subnet differs"),
        ({"a": {"lab_address": "10.77.0.9"}, "b": {"lab_address": "10.77.0.9"}}, "also that of a"),
        ({"a": {"ansible_host": "m", "lab_address": "10.77.0.8"},
          "b": {"ansible_host": "m", "lab_address": "10.77.0.9"}}, "already has 10.77.0.8"),
        ({"a": {"ansible_host": "m"}, "b": {"ansible_host": "m", "lab_release": "bookworm"}}, "m has sid"),
        ({"a": {"lab_release": "12"}}, "no name of a Debian release"),
        ({"a": {"lab_ipvs": "yes"}}, "true or false"),
        ({"a": {"lab_ipvs": True, "lab_disk": "1G"}}, "not both"),
        ({}, "no host is in the group"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(load: Any, hosts: dict[str, Any], reason: str) -> None:
    with pytest.raises(LabError, match=reason):
        load(**hosts)


@pytest.fixture
def engine_without_images(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is built, and from what."""
    built: list[tuple[str, str]] = []
    for function in (image._plain, image._with_kernel, engine.has_ipvs):
        function.cache_clear()
    monkeypatch.setattr(image, "_exists", lambda name: name.startswith(image.BASE_REPOSITORY))
    monkeypatch.setattr(image, "_build", lambda name, below, *_others: built.append((name, below)))
    monkeypatch.setattr(image, "_remove_older", lambda *_arguments: None)
    return built


@pytest.mark.parametrize("answer", ["yes", ""])
def test_only_a_director_gets_a_kernel_of_its_own_and_only_where_the_machines_has_no_ipvs(
    engine_without_images: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(engine, "docker", lambda *_arguments: answer)
    plain, director = image.ensure(Host("a", "")), image.ensure(Host("b", "", ipvs=True))
    assert not plain.own_kernel
    assert director.own_kernel == (answer == "")
    if director.own_kernel:
        assert engine_without_images == [(plain.name, "mha-lab-base:sid"), (director.name, plain.name)]
    else:
        assert director == plain


def test_each_release_has_images_of_its_own_made_when_asked_for(
    engine_without_images: list[tuple[str, str]],
) -> None:
    image.ensure(Host("a", "", release="bookworm"))
    assert [below for _name, below in engine_without_images] == ["mha-lab-base:bookworm"]
    assert image.ensure(Host("b", "")).name != image.ensure(Host("a", "", release="bookworm")).name


def test_only_sid_offers_mysql() -> None:
    assert "mysql-server" not in (ROOT / "lab/packages.txt").read_text()
    assert "mysql-server" in (ROOT / "lab/packages-sid.txt").read_text()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_program_of_a_host_is_executable_and_has_no_syntax_error(path: Path) -> None:
    shell = "bash" if "bash" in path.read_text().splitlines()[0] else "sh"
    assert path.stat().st_mode & 0o111
    assert subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize("words", [["a b", "c'd", '"', "$HOME", "`x`", "*", "\\", "", "ü\n"], []])
def test_what_is_called_in_the_container_arrives_in_the_host_word_for_word(tmp_path: Path, words: list[str]) -> None:
    """`enter`, with an ssh that does what sshd does: hand the command to a shell."""
    (tmp_path / "ssh").write_text('#!/bin/bash\nbash -c "${@: -1}"\n')
    (tmp_path / "show").write_text("#!/usr/bin/env python3\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    enter = (ROOT / "lab/kernel/enter").read_text().replace("/run/tools/bash", "/bin/bash")
    (tmp_path / "called").mkdir()
    (tmp_path / "called/show").write_text(enter.replace("/run/tools/ssh", str(tmp_path / "ssh")))
    for program in (tmp_path / "ssh", tmp_path / "show", tmp_path / "called/show"):
        program.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "called/show", *words], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == words


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """DOCKER-USER of an iptables that prints rules as the real one does: the comment in quotation marks."""
    rules = ["-j RETURN"]

    def iptables(verb: str, chain: str, *rule: str) -> str:
        assert chain == "DOCKER-USER"
        written = " ".join(rule).replace(multicast.COMMENT, f'"{multicast.COMMENT}"')
        if verb == "-I":
            rules.insert(0, written)
        elif verb == "-D":
            rules.remove(written)
        return "\n".join(["-N DOCKER-USER", *(f"-A DOCKER-USER {rule}" for rule in rules)])

    monkeypatch.setattr(multicast, "_iptables", iptables)
    return rules


def test_one_rule_lets_the_directors_multicast_pass_on_the_labs_bridge_and_nowhere_else(chain: list[str]) -> None:
    foreign = '-d 224.0.0.0/24 -i br-other -o br-other -m comment --comment "of somebody else" -j ACCEPT'
    chain.insert(0, foreign)
    for bridge in ("br-old", "br-new", "br-new"):
        multicast.allow(bridge)
        assert [rule for rule in chain if "opendba" in rule] == [
            f"-d 224.0.0.81/32 -i {bridge} -o {bridge} -p udp -m udp --dport 8848 "
            '-m comment --comment "opendba.mysql_ha=lab" -j ACCEPT'
        ]
        assert chain[0].startswith(f"-d 224.0.0.81/32 -i {bridge}")
    multicast.forbid()
    assert chain == [foreign, "-j RETURN"]


def test_a_machine_without_dockers_chain_has_a_lab_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_arguments: str) -> str:
        raise LabError("iptables: not installed")

    monkeypatch.setattr(multicast, "_iptables", refuse)
    multicast.allow("br-new")
    multicast.forbid()
    assert "directors' multicast does not pass: iptables: not installed" in capsys.readouterr().out
