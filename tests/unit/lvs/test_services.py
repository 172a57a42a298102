# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services of LVS directors: derived from clusters, and judged."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.filter.lvs_checked import lvs_checked
from ansible_collections.opendba.mysql_ha.plugins.filter.lvs_services import lvs_services
from ansible_collections.opendba.mysql_ha.plugins.module_utils._lvs_services import KEYS, Mistakes, checked, services_of
from unit.model.inventories import balanced

SERVER = {"name": "db1", "address": "10.0.0.11", "port": 3306, "weight": 1, "agent_port": 8308}
SERVICE: dict[str, Any] = {"name": "old", "vips": ["10.0.0.200"], "port": 3306, "servers": [{"address": "10.0.0.11"}]}


def clusters(**variables: Any) -> list[dict[str, Any]]:
    result = balanced(**variables).derive()
    assert result.problems.lines() == []
    found: list[dict[str, Any]] = result.directors["lvs1"]["clusters"]
    return found


class TestDerived:
    def test_a_cluster(self) -> None:
        (service,) = lvs_services(clusters(), scheduler="wrr", max_lag=5)
        assert service == {
            "name": "orders", "vips": ["10.0.0.200"], "port": 3306, "check": "agent", "writer": False,
            "scheduler": "wrr", "persistence_timeout": 0, "max_lag": 5, "sorry_server": "", "quorum": 1,
            "servers": [
                SERVER,
                {**SERVER, "name": "db2", "address": "10.0.0.12"},
                {**SERVER, "name": "db3", "address": "10.0.0.13"},
            ],
        }  # fmt: skip

    def test_what_is_derived_is_right(self) -> None:
        services = lvs_services(clusters(cluster_reader_vips=["10.0.0.200", "10.0.0.201"]), sorry_server="writer")
        assert lvs_checked(services)[0]["sorry_server"] == "10.0.0.100"
        assert lvs_checked(services)[0]["vips"] == ["10.0.0.200", "10.0.0.201"]

    @pytest.mark.parametrize(("policy", "writer"), [("standby", False), ("readers", False), ("all", True)])
    def test_the_writer_is_asked_in_only_where_it_shall_be(self, policy: str, writer: bool) -> None:
        assert lvs_services(clusters(cluster_readers=policy))[0]["writer"] is writer

    def test_the_writer_as_last_resort_needs_the_vips(self) -> None:
        with pytest.raises(AnsibleFilterError, match="the candidates of cluster 'orders' do not have its reader VIPs"):
            lvs_services(clusters(cluster_readers="readers"), sorry_server="writer")

    def test_every_candidate_needs_the_vips_of_the_last_resort(self) -> None:
        """The kernel of a writer without them would drop what the director sends it."""
        found = balanced().set("db1", lvs_realserver_state="absent").derive().directors["lvs1"]["clusters"]
        with pytest.raises(AnsibleFilterError, match="db1 of cluster 'orders' may become the writer"):
            lvs_services(found, sorry_server="writer")
        assert lvs_services(found)[0]["sorry_server"] == ""

    def test_no_clusters(self) -> None:
        assert lvs_services([]) == []


class TestChecked:
    def test_completed(self) -> None:
        assert checked([SERVICE], {"max_lag": "7"}) == [
            {
                "name": "old", "vips": ["10.0.0.200"], "port": 3306, "check": "agent", "writer": False,
                "scheduler": "wlc", "persistence_timeout": 0, "max_lag": 7.0, "quorum": 1, "sorry_server": "",
                "servers": [{**SERVER, "name": "10.0.0.11"}],
            }
        ]  # fmt: skip

    def test_without_agents(self) -> None:
        (service,) = checked([{**SERVICE, "check": "query", "max_lag": None, "port": "3306"}], {})
        assert (service["max_lag"], service["servers"][0]["agent_port"], service["port"]) == (None, None, 3306)

    def test_ipv6(self) -> None:
        servers, sorry = [{"address": "FD00::1", "port": 3306}], "[fd00::2]:3306"
        (service,) = checked([{**SERVICE, "vips": ["fd00::C8"], "servers": servers, "sorry_server": sorry}], {})
        assert (service["vips"], service["sorry_server"], service["servers"][0]["address"]) == (
            ["fd00::c8"], "fd00::2", "fd00::1",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"name": "a b"}, "name 'a b' cannot be used in file names; write a letter, then letters, digits, _ or -"),
            ({"vips": []}, "vips is no list of addresses; write e.g. [10.0.0.200]"),
            ({"vips": ["x"]}, "vips: 'x' is no IP address"),
            ({"vips": ["10.0.0.200", "fd00::1"]}, "vips are of IPv4 and of IPv6; make two services of it"),
            ({"port": 0}, "port 0 is no integer from 1 to 65535"),
            ({"port": None}, "port None is no integer from 1 to 65535"),
            ({"scheduler": "random"}, "scheduler 'random' is unknown; write rr or wrr or lc or wlc or sh or mh"),
            ({"persistence_timeout": -1}, "persistence_timeout -1 is no integer from 0 to 2678400"),
            ({"check": "tcp"}, "check 'tcp' is unknown; write agent or query"),
            ({"writer": "yes"}, "writer 'yes' is neither true nor false"),
            ({"max_lag": None}, "max_lag None is no number of seconds"),
            ({"max_lag": float("nan")}, "max_lag nan is no number of seconds"),
            ({"quorum": True}, "quorum True is no integer from 1 to 2147483647"),
            ({"sorry_server": "writer"}, "sorry_server 'writer' is no IP address"),
            ({"sorry_server": "10.0.0.200"}, "sorry_server 10.0.0.200 is a VIP of the service"),
            ({"sorry_server": "10.0.0.9:3307"}, "sorry_server has port 3307, the service 3306; "
             "direct routing keeps the port, give both one"),
            ({"servers": []}, "servers is no list of servers; write e.g. [{address: 10.0.0.11}]"),
            ({"servers": ["x"]}, "servers[0] is no dictionary of name, address, port, weight, agent_port"),
            ({"servers": [{"address": "fd00::1"}]}, "servers[0] fd00::1 is not of the VIPs' family; "
             "direct routing keeps the packet as it is"),
            ({"servers": [{"address": "10.0.0.11", "port": 3307}]}, "servers[0] has port 3307, the service 3306; "
             "direct routing keeps the port, give both one"),
            ({"servers": [{"address": "10.0.0.11", "weight": 70000}]}, "weight 70000 is no integer from 0 to 65535"),
            ({"servers": [{"address": "10.0.0.11", "weight": 0}]}, "all servers have weight 0, so nobody would serve; "
             "leave one its weight"),
            ({"quorum": 2}, "quorum 2 is more than all weights together (1); lower it"),
            ({"servers": [{"address": "10.0.0.11"}] * 2}, "servers has 10.0.0.11 twice"),
            ({"algo": "rr"}, f"does not know algo; there are {', '.join(KEYS)}"),
        ],
    )  # fmt: skip
    def test_refused(self, change: dict[str, Any], said: str) -> None:
        with pytest.raises(Mistakes) as mistakes:
            checked([{**SERVICE, **change}], {})
        name = change.get("name", "old")
        assert mistakes.value.lines == [f"lvs_director_services[0] ({name}): {said}"]

    def test_all_at_once(self) -> None:
        with pytest.raises(Mistakes) as mistakes:
            checked([{}, "x"], {})
        assert len(mistakes.value.lines) == 5

    def test_no_list(self) -> None:
        with pytest.raises(AnsibleFilterError, match="is not a list"):
            lvs_checked("10.0.0.200")

    def test_names_and_addresses_of_their_own(self) -> None:
        with pytest.raises(Mistakes) as mistakes:
            checked([SERVICE, SERVICE, {**SERVICE, "name": "new"}], {})
        assert mistakes.value.lines == [
            "lvs_director_services has the name 'old' twice; give each service its own",
            "lvs_director_services: 10.0.0.200 port 3306 is offered by 'old' and 'new'; "
            "give one of them another address",
        ]

    ANY = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["10.0.0.1", "fd00::1", "writer"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, "address"]), inner),
        max_leaves=12,
    )

    @given(st.lists(st.dictionaries(st.sampled_from(KEYS), ANY) | ANY) | ANY)
    def test_whatever_it_is(self, services: Any) -> None:
        """Either mistakes in sentences, or a list that is right when it is judged again."""
        try:
            done = checked(services, {})
        except Mistakes as mistakes:
            lines = mistakes.lines
        else:
            lines = []
            assert checked(done, {}) == done
        assert all(line.startswith("lvs_director_services") for line in lines)

    def test_derived_services_are_stable(self) -> None:
        services = checked(services_of(clusters(), {}), {})
        assert checked(services, {}) == services
