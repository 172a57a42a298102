# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VIPs on lo: what is added, what is taken away, and that at the end everything is as before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import realserver
from realserver import SYSCTLS, Failed, Machine, command_to_add, free_label, plan, read_vips

VIPS = ["10.0.0.200/32", "10.0.0.201/32", "fd00::c8/128", "10.0.0.202/32"]
some = st.lists(st.sampled_from(VIPS), unique=True)
BEFORE = dict.fromkeys(SYSCTLS, "0") | {"net.ipv4.conf.lo.arp_announce": "1"}


class Lo(Machine):
    """A machine whose lo is a dictionary, and whose sysctls are files."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.on_lo = {"127.0.0.1/8": "lo", "::1/128": ""}
        self.log: list[str] = []
        for name, value in BEFORE.items():
            self.sysctl(name).parent.mkdir(parents=True, exist_ok=True)
            self.sysctl(name).write_text(f"{value}\n")
        self.configs.mkdir(parents=True)

    def ip(self, command: Sequence[str]) -> str:  # type: ignore[override]
        if "-json" in command:
            entries = [
                {"local": address.split("/")[0], "prefixlen": int(address.split("/")[1]), "label": label}
                for address, label in self.on_lo.items()
            ]
            return json.dumps([{"addr_info": entries}])
        address = next(word for word in command if "/" in word)
        if "add" in command:
            # The sysctls come first: a VIP is never answered to ARP
            assert all(self.sysctl(name).read_text() == value for name, value in SYSCTLS.items())
            assert address not in self.on_lo
            self.on_lo[address] = command[-1] if "label" in command else ""
        else:
            del self.on_lo[address]
        self.log.append(" ".join(command))
        return ""

    def want(self, name: str, *vips: str) -> None:
        (self.configs / name).write_text("".join(f"{vip.split('/')[0]}\n" for vip in vips))
        self.apply(name, self.vips(name))

    def leave(self, name: str) -> None:
        self.apply(name, [])
        (self.configs / name).unlink()

    @property
    def vips_on_lo(self) -> set[str]:
        return self.on_lo.keys() - {"127.0.0.1/8", "::1/128"}

    @property
    def values(self) -> dict[str, str]:
        return {name: self.sysctl(name).read_text().strip() for name in SYSCTLS}


@pytest.fixture
def lo(tmp_path: Path) -> Lo:
    machine = Lo(tmp_path)
    machine.remember()
    return machine


class TestPlan:
    @given(some, some, some, some, some)
    def test_nobody_loses_what_is_not_ours(
        self, wanted: list[str], applied: list[str], shared: list[str], before: list[str], present: list[str]
    ) -> None:
        add, delete = plan(wanted, applied, shared, before, present)
        after = (set(present) | set(add)) - set(delete)
        assert set(wanted) <= after
        assert not set(delete) & (set(shared) | set(before))
        assert set(delete) <= set(applied)
        assert set(add) <= set(wanted)
        assert after - set(wanted) - set(shared) - set(before) <= set(present) - set(applied)

    @given(some, some)
    def test_a_second_look_has_nothing_to_do(self, wanted: list[str], present: list[str]) -> None:
        add, delete = plan(wanted, [], [], [], present)
        assert plan(wanted, wanted, [], [], (set(present) | set(add)) - set(delete)) == ([], [])


class TestWords:
    def test_list(self) -> None:
        text = "# why\n10.0.0.200\n\n FD00::C8  # the other\n10.0.0.200\n"
        assert read_vips(text) == ["10.0.0.200/32", "fd00::c8/128"]

    @pytest.mark.parametrize("text", ["10.0.0.200/24", "lo", "10.0.0.300"])
    def test_what_is_no_list(self, text: str) -> None:
        with pytest.raises(Failed, match="is no IP address"):
            read_vips(text)

    @pytest.mark.parametrize(("taken", "label"), [([], "lo:0"), (["lo", "lo:0", "lo:2"], "lo:1")])
    def test_labels(self, taken: list[str], label: str) -> None:
        assert free_label(taken) == label

    def test_an_ipv6_address_is_nobodys_source(self) -> None:
        assert command_to_add("fd00::c8/128", [])[-3:] == ["nodad", "preferred_lft", "0"]


class TestLo:
    def test_added_once_with_labels(self, lo: Lo) -> None:
        lo.want("db1", *VIPS[:3])
        lo.want("db1", *VIPS[:3])
        assert {vip: lo.on_lo[vip] for vip in VIPS[:3]} == {
            "10.0.0.200/32": "lo:0", "10.0.0.201/32": "lo:1", "fd00::c8/128": "",
        }  # fmt: skip
        assert len(lo.log) == 3

    def test_a_list_that_changes(self, lo: Lo) -> None:
        lo.want("db1", VIPS[0], VIPS[1])
        lo.want("db1", VIPS[1], VIPS[2])
        assert lo.vips_on_lo == {VIPS[1], VIPS[2]}

    def test_what_somebody_takes_away_comes_back(self, lo: Lo) -> None:
        lo.want("db1", VIPS[0])
        del lo.on_lo[VIPS[0]]
        lo.sysctl("net.ipv4.conf.all.arp_ignore").write_text("0\n")
        done = lo.apply("db1", lo.vips("db1"))
        assert done == ["set net.ipv4.conf.all.arp_ignore = 1", "put 10.0.0.200/32 on lo"]

    def test_two_instances_share(self, lo: Lo) -> None:
        lo.want("db1", VIPS[0], VIPS[1])
        lo.want("db2", VIPS[1], VIPS[2])
        lo.leave("db1")
        assert lo.vips_on_lo == {VIPS[1], VIPS[2]}
        with pytest.raises(Failed, match="still in use by db2"):
            lo.restore()
        assert lo.values == SYSCTLS
        lo.leave("db2")
        lo.restore()
        assert (lo.vips_on_lo, lo.values, lo.record.exists()) == (set(), BEFORE, False)

    def test_the_first_record_stays(self, lo: Lo) -> None:
        lo.want("db1", VIPS[0])
        lo.remember()
        assert lo.remembered() == {"sysctls": BEFORE, "addresses": ["127.0.0.1/8", "::1/128"]}

    def test_a_vip_that_people_put_there_stays(self, tmp_path: Path) -> None:
        lo = Lo(tmp_path)
        lo.on_lo[VIPS[0]] = "lo:0"
        lo.remember()
        lo.want("db1", VIPS[0], VIPS[1])
        assert lo.on_lo[VIPS[1]] == "lo:1"
        lo.leave("db1")
        lo.restore()
        assert (lo.vips_on_lo, lo.values) == ({VIPS[0]}, BEFORE)

    def test_a_service_that_was_killed_and_has_another_list_now(self, lo: Lo) -> None:
        lo.want("db1", VIPS[0])
        again = Lo.__new__(Lo)
        again.__dict__.update(lo.__dict__)
        (again.configs / "db1").write_text("10.0.0.201\n")
        again.apply("db1", again.vips("db1"))
        assert again.vips_on_lo == {VIPS[1]}

    @pytest.mark.parametrize("content", ["", "null", "[1", "{}"])
    def test_a_broken_record_or_state_harms_nobody(self, lo: Lo, content: str) -> None:
        lo.want("db1", VIPS[0])
        lo.record.write_text(content)
        (lo.state / "db1").write_text(content)
        lo.want("db1", VIPS[0], VIPS[1])
        assert lo.vips_on_lo == {VIPS[0], VIPS[1]}

    def test_a_list_that_is_missing(self, lo: Lo) -> None:
        with pytest.raises(Failed, match="db9: No such file"):
            lo.vips("db9")


@pytest.mark.parametrize("words", [[], ["run"], ["run", "../db1"], ["remember", "x"]])
def test_wrong_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert realserver.main(words) == 2
    assert "realserver.py run NAME" in capsys.readouterr().err
