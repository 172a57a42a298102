# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the proxies offer: derived from clusters, and judged."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.filter.haproxy_checked import haproxy_checked
from ansible_collections.opendba.mysql_ha.plugins.filter.haproxy_services import haproxy_services
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_services import (
    KEYS,
    LONGEST,
    NO_HEADER,
    SERVER_KEYS,
    Mistakes,
    checked,
    refusal_of_mysql_check,
    services_of,
)
from unit.model.inventories import trio

SERVER = {
    "name": "db1", "address": "10.0.0.11", "port": 3306, "weight": 1, "agent_port": 8308, "candidate": True,
    "reader": True,
}  # fmt: skip
REST = {
    "bind": ["*"], "check": "agent", "max_lag": 10, "writer": False, "fallback": True, "balance": "leastconn",
    "maxconn": 4000, "send_proxy": False, "accept_proxy": False, "check_user": "haproxy_check", "version": "",
}  # fmt: skip
SERVICE: dict[str, Any] = {"name": "old", "writer_port": 6446, "servers": [{"address": "10.0.0.11"}]}


def clusters(**variables: Any) -> list[dict[str, Any]]:
    result = trio(**variables).proxies("p1").derive()
    assert result.problems.lines() == []
    found: list[dict[str, Any]] = result.proxies["p1"]["clusters"]
    return found


class TestDerived:
    def test_a_cluster(self) -> None:
        (service,) = haproxy_services(clusters(), idle_timeout=0)
        assert service == {
            **REST, "name": "orders", "writer_port": 6446, "reader_port": 6447, "idle_timeout": 604800,
            "servers": [
                SERVER,
                {**SERVER, "name": "db2", "address": "10.0.0.12"},
                {**SERVER, "name": "db3", "address": "10.0.0.13", "candidate": False},
            ],
        }  # fmt: skip

    def test_what_is_derived_is_right_and_stable(self) -> None:
        done = haproxy_checked(haproxy_services(clusters(), idle_timeout=0), idle_timeout=0)
        assert done[0]["idle_timeout"] == 604800
        assert haproxy_checked(done) == done

    @pytest.mark.parametrize(
        ("policy", "writer", "readers"),
        [("standby", False, 3), ("readers", False, 1), ("all", True, 3)],
    )
    def test_who_serves_reads(self, policy: str, writer: bool, readers: int) -> None:
        (service,) = haproxy_services(clusters(cluster_readers=policy))
        assert service["writer"] is writer
        assert sum(server["reader"] for server in service["servers"]) == readers
        assert sum(server["candidate"] for server in service["servers"]) == 2

    @pytest.mark.parametrize(
        ("settings", "wanted", "seconds"),
        [
            ({}, 0, 604800),
            ({}, "0", 604800),
            ({"wait_timeout": 60, "interactive_timeout": 90}, 0, 604800),
            ({"wait_timeout": 700000}, 0, 700060),
            ({"wait_timeout": 31536000}, 0, LONGEST),
            ({}, 7, 7),
        ],
    )
    def test_silent_sessions_are_the_servers_to_end(self, settings: dict[str, int], wanted: Any, seconds: int) -> None:
        (service,) = haproxy_services(clusters(mysql_settings=settings), idle_timeout=wanted)
        assert service["idle_timeout"] == seconds

    def test_the_proxy_protocol_needs_servers_that_know_it(self) -> None:
        with pytest.raises(AnsibleFilterError, match="cluster 'orders' have no proxy_protocol_networks"):
            haproxy_services(clusters(), send_proxy=True)
        settings = {"proxy_protocol_networks": "10.0.0.14"}
        assert haproxy_services(clusters(mysql_settings=settings), send_proxy=True)[0]["send_proxy"] is True

    def test_no_clusters(self) -> None:
        assert haproxy_services([]) == []


class TestMysqlCheck:
    @pytest.mark.parametrize("version", ["mariadb 10.11", "MariaDB-11.4.2", "mysql 5.7", "percona 5.7.44-48"])
    def test_servers_that_take_it(self, version: str) -> None:
        assert refusal_of_mysql_check(version) == ""

    @pytest.mark.parametrize("version", ["mysql 8.0", "mysql 8.4.3", "percona 8.0.36-28", "mysql 9.7"])
    def test_servers_that_refuse_it(self, version: str) -> None:
        assert refusal_of_mysql_check(version) == (
            f"check mysql: {version} refuses it (error 1251: the check logs in by mysql_native_password, which is not"
            " the default from 8.0 on and gone in 9.0), so the server would be down for ever; install the agent, or use"
            " check tcp, which knows nothing of roles"
        )

    @pytest.mark.parametrize("version", ["", "5.7", "postgres 16.1", "mysql 5"])
    def test_servers_that_nobody_knows(self, version: str) -> None:
        assert "is none that is known; write e.g. 'mariadb 10.11' or 'mysql 5.7'" in refusal_of_mysql_check(version)


class TestChecked:
    def test_completed(self) -> None:
        assert checked([SERVICE], {"max_lag": "7", "maxconn": "100"}) == [
            {
                **REST, "name": "old", "writer_port": 6446, "reader_port": 0, "max_lag": 7.0, "maxconn": 100,
                "idle_timeout": 604800, "servers": [{**SERVER, "name": "10.0.0.11"}],
            }
        ]  # fmt: skip

    def test_without_agents(self) -> None:
        servers = [{"address": "10.0.0.11", "candidate": True}, {"address": "10.0.0.12", "weight": "2"}]
        (service,) = checked(
            [{**SERVICE, "reader_port": 6447, "check": "mysql", "version": "mariadb 10.11", "servers": servers}], {}
        )
        assert [
            (server["candidate"], server["reader"], server["agent_port"], server["weight"])
            for server in service["servers"]
        ] == [(True, True, None, 1), (False, True, None, 2)]

    def test_ipv6(self) -> None:
        (service,) = checked([{**SERVICE, "bind": ["::", "FD00::1"], "servers": [{"address": "FD00::B"}]}], {})
        assert (service["bind"], service["servers"][0]["address"]) == (["::", "fd00::1"], "fd00::b")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"name": "a b"}, "name 'a b' cannot be used; write a letter, then letters, digits, _ or -"),
            ({"writer_port": 70000}, "writer_port 70000 is no integer from 0 to 65535"),
            ({"writer_port": 0}, "has neither writer_port nor reader_port, so it offers nothing; give it one"),
            ({"reader_port": 6446}, "writer_port and reader_port are both 6446; give each its own"),
            ({"bind": []}, "bind is no list of addresses; write e.g. ['*'] or [10.0.0.110]"),
            ({"bind": ["eth0"]}, "bind: 'eth0' is no IP address and not '*'"),
            ({"check": "ping"}, "check 'ping' is unknown; write agent or mysql or tcp"),
            ({"balance": "first"}, "balance 'first' is unknown; write leastconn or roundrobin"),
            ({"max_lag": float("nan")}, "max_lag nan is no number of seconds from 0 to 86400"),
            ({"send_proxy": True, "version": "mysql 5.7"}, f"send_proxy: {NO_HEADER}"),
            ({"idle_timeout": LONGEST + 1}, f"idle_timeout {LONGEST + 1} is no integer from 1 to {LONGEST}"),
            ({"maxconn": True}, "maxconn True is no integer from 1 to 1000000"),
            ({"fallback": "yes"}, "fallback 'yes' is neither true nor false"),
            ({"check_user": "a b"}, "check_user 'a b' cannot be used; write letters, digits, _, . or -"),
            ({"servers": ["x"]}, f"servers[0] is no dictionary of {', '.join(SERVER_KEYS)}"),
            ({"servers": [{"address": "x"}]}, "servers[0]: address 'x' is no IP address"),
            ({"servers": [{"address": "10.0.0.1", "weight": 257}]}, "weight 257 is no integer from 0 to 256"),
            ({"servers": [{"address": "10.0.0.1", "name": "a b"}]}, "servers[0]: name 'a b' cannot be used; "
             "write letters, digits, _, . or -"),
            ({"servers": [{"address": "10.0.0.1"}] * 2}, "servers has 10.0.0.1 twice"),
            ({"servers": [{"address": "10.0.0.1", "candidate": False}]}, "writer_port: no server has candidate: true; "
             "give one"),
            ({"check": "tcp"}, "check tcp cannot tell who the writer is; set candidate: true on one server, which "
             "takes all writes, or leave writer_port out"),
            ({"check": "mysql", "version": "mysql 9.7", "servers": [{"address": "10.0.0.1", "candidate": True}]},
             refusal_of_mysql_check("mysql 9.7")),
            ({"algo": "rr"}, f"does not know algo; there are {', '.join(KEYS)}"),
        ],
    )  # fmt: skip
    def test_refused(self, change: dict[str, Any], said: str) -> None:
        with pytest.raises(Mistakes) as mistakes:
            checked([{**SERVICE, **change}], {})
        name = change.get("name", "old")
        assert mistakes.value.lines == [f"haproxy_services[0] ({name}): {said}"]

    def test_nobody_to_read_from(self) -> None:
        servers = [{"address": "10.0.0.1", "reader": False}]
        service = {"name": "old", "reader_port": 6447, "servers": servers}
        assert checked([service], {})
        with pytest.raises(Mistakes, match="reader_port: nobody serves reads"):
            checked([service], {"fallback": False})

    def test_all_at_once(self) -> None:
        with pytest.raises(Mistakes) as mistakes:
            checked([{}, "x"], {})
        assert len(mistakes.value.lines) == 3

    def test_no_list(self) -> None:
        with pytest.raises(AnsibleFilterError, match="is not a list"):
            haproxy_checked("10.0.0.200")

    def test_names_and_ports_of_their_own(self) -> None:
        with pytest.raises(Mistakes) as mistakes:
            checked([SERVICE, SERVICE, {**SERVICE, "name": "new"}], {})
        assert mistakes.value.lines == [
            "haproxy_services has the name 'old' twice; give each service its own",
            "haproxy_services: port 6446 is offered by 'old' and 'new'; give one of them another port, or another"
            " address in bind",
        ]
        other = {**SERVICE, "name": "new", "bind": ["10.0.0.2"]}
        assert len(checked([{**SERVICE, "bind": ["10.0.0.1"]}, other], {})) == 2

    ANY = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["10.0.0.1", "fd00::1", "*", "tcp"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, *SERVER_KEYS]), inner),
        max_leaves=12,
    )
    GOOD = st.fixed_dictionaries(
        {
            "name": st.sampled_from(["a", "b"]), "writer_port": st.integers(0, 3), "reader_port": st.integers(0, 3),
            "servers": st.lists(
                st.fixed_dictionaries(
                    {"address": st.sampled_from(["10.0.0.1", "10.0.0.2"])}, optional={"weight": st.integers(0, 256)}
                ),
                max_size=2,
            ),
        }
    )  # fmt: skip

    @given(st.lists(GOOD | st.dictionaries(st.sampled_from(KEYS), ANY) | ANY, max_size=3) | ANY)
    def test_whatever_it_is(self, services: Any) -> None:
        """Either mistakes in sentences, or a list that is right when it is judged again."""
        try:
            done = checked(services, {})
        except Mistakes as mistakes:
            lines = mistakes.lines
        else:
            lines = []
            assert checked(done, {}) == done
        assert all(line.startswith("haproxy_services") for line in lines)

    def test_derived_services_are_stable(self) -> None:
        services = checked(services_of(clusters(), {}), {})
        assert checked(services, {}) == services
