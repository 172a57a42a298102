# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The multicast by which LVS directors tell each other their connections; the kernel knows no unicast for it.

Docker's rules for an internal network drop multicast, even between two of its hosts. One rule before them lets this one
pass on the lab's own bridge, as long as the lab has directors. All other multicast stays dropped: roles are tried
on a network as bad as that of many clouds.
"""

from __future__ import annotations

import shlex

from shell import LabError, run, say

CHAIN = "DOCKER-USER"  # made by Docker for other people's rules, and asked first
COMMENT = "opendba.mysql_ha=lab"
SYNC = ["-d", "224.0.0.81/32"], ["-p", "udp", "-m", "udp", "--dport", "8848"]


def allow(bridge: str) -> None:
    """Where that cannot be done, only a test of what directors tell each other notices."""
    # In the order in which iptables lists it
    group, port = SYNC
    rule = [*group, "-i", bridge, "-o", bridge, *port, "-m", "comment", "--comment", COMMENT, "-j", "ACCEPT"]
    try:
        present = _rules()
        if rule not in present:
            _iptables("-I", CHAIN, *rule)
            say(f"directors' multicast may pass on {bridge}")
        for other in present:
            if other != rule:
                _iptables("-D", CHAIN, *other)  # of a network that is gone
    except LabError as error:
        say(f"directors' multicast does not pass: {error}")


def forbid() -> None:
    """Removes what `allow` has added."""
    try:
        for rule in _rules():
            _iptables("-D", CHAIN, *rule)
    except LabError:
        return  # no iptables, chain or right: then nothing was added either


def _rules() -> list[list[str]]:
    """The lab's own, as `allow` writes them."""
    rules = [shlex.split(line)[2:] for line in _iptables("-S", CHAIN).splitlines()]
    return [rule for rule in rules if COMMENT in rule]


def _iptables(*arguments: str) -> str:
    return run("iptables", "--wait", *arguments, timeout=20)
