# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for the reader VIPs of clusters. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ._model_director import Director
from ._model_input import Problems
from ._model_place import is_taken
from ._model_rules import Cluster
from ._model_values import Address, Refused, refuse_edge

VARIABLE = "cluster_reader_vips"


def check_reader_vips(clusters: Sequence[Cluster], directors: Sequence[Director], problems: Problems) -> None:
    owners = _owners(clusters, directors)
    for cluster in clusters:
        if not (cluster.in_play and cluster.reader_vips):
            continue
        for vip in cluster.reader_vips:
            if vip in owners:
                problems.add(cluster.names, *is_taken(VARIABLE, vip, owners[vip]))
            try:
                _check_subnet(vip, cluster)
            except Refused as refusal:
                problems.add(cluster.names, f"{VARIABLE} '{vip}' {refusal.text}", refusal.mend)
        _check_servers(cluster, problems)
    for one, other in itertools.combinations(clusters, 2):
        for vip in set(one.reader_vips) & set(other.reader_vips):
            if one.in_play or other.in_play:
                problems.add(
                    one.names + other.names,
                    f"{VARIABLE} {vip} is used by clusters '{one.name}' and '{other.name}'",
                    "give each cluster its own",
                )


def _owners(clusters: Sequence[Cluster], directors: Sequence[Director]) -> dict[Address, str]:
    owners: dict[Address, str] = {}
    for cluster in clusters:
        owners.update({place.address: name for name, place in cluster.places.items()})
        if vip := cluster.value("cluster_vip"):
            owners[vip.ip] = f"the writer VIP of cluster '{cluster.name}'"
    owners.update({director.place.address: director.name for director in directors if director.place})
    return owners


def _check_subnet(vip: Address, cluster: Cluster) -> None:
    network = cluster.network
    if network is None:
        return
    if vip not in network:
        raise Refused(
            f"is outside the subnet {network} of the members",
            "choose a free address there: a director hands packets on within its own subnet",
        )
    refuse_edge(vip, network)


def _check_servers(cluster: Cluster, problems: Problems) -> None:
    servers = [instance for instance in cluster.instances if cluster.serves_reads(instance)]
    if not servers and not any("cluster_readers" in instance.refused for instance in cluster.instances):
        problems.add(
            cluster.names,
            f"{VARIABLE}: nobody in cluster '{cluster.name}' serves reads with"
            f" cluster_readers '{cluster.value('cluster_readers')}'",
            "set cluster_readers: standby, or cluster_role: reader on a host, or remove lvs_realserver_state: absent",
        )
    ports = {port for instance in servers if (port := instance.settings.mysql_port)}
    if len(ports) > 1:
        problems.add(
            [instance.name for instance in servers],
            f"mysql_port differs between the members of cluster '{cluster.name}' that serve reads"
            f" ({', '.join(map(str, sorted(ports)))})",
            f"give them one port: behind {VARIABLE} a connection keeps its port",
        )
