# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds the bench's cluster with the collection, as its users do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from bench import load
from bench.cluster import Cluster
from bench.hosts import PROJECT, Failed, lab
from bench.rows import Settings

INVENTORY = PROJECT / "bench/inventory"
BUILD = PROJECT / "build/bench"
BUILT = BUILD / "built.json"
BUILD_SECONDS = 900
REJOIN = "agent_rejoin"


def product() -> str:
    """Names what is measured: a digest of what decides how a failover goes."""
    digest = hashlib.sha256()
    for room in ("roles/agent", "roles/keepalived", "roles/mysql", "roles/replication", "plugins/module_utils"):
        for path in sorted((PROJECT / room).rglob("*")):
            if path.is_file() and "meta" not in path.parts and path.suffix not in (".pyc", ".md"):
                digest.update(str(path.relative_to(PROJECT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def role_variables() -> set[str]:
    """All that the roles' defaults name."""
    texts = [path.read_text() for path in (PROJECT / "roles").glob("*/defaults/main.yml")]
    return {name for text in texts for name in re.findall(r"^([a-z_0-9]+):", text, flags=re.MULTILINE)}


def ensure(topology: str, settings: Settings, fresh: bool = False) -> Cluster:
    """The cluster, built so; hosts that are built so already are taken as they are. Raises Failed."""
    wanted: dict[str, Any] = {"product": product(), "topology": topology}
    known = role_variables()
    variables: dict[str, Any] = {"cluster_topology": topology, **settings.variables(known)}
    if REJOIN in known:
        variables[REJOIN] = "clone"
    built = _built()
    cluster = Cluster(INVENTORY, rejoins=REJOIN in known)
    if not fresh and built.get("variables") == variables and all(built.get(key) == wanted[key] for key in wanted):
        lab("up", "-i", str(INVENTORY))
        return cluster
    BUILT.unlink(missing_ok=True)
    if fresh or any(built.get(key) != wanted[key] for key in wanted):
        print(f"building {topology} on fresh hosts", flush=True)
        lab("up", "--fresh", "-i", str(INVENTORY), timeout=600)
    play("site.yml", variables)
    play("lab/client.yml", {})
    load.install(cluster.client)
    cluster.heal()
    cluster.make_table()
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    BUILT.write_text(json.dumps({**wanted, "variables": variables}))
    return cluster


def _built() -> dict[str, Any]:
    try:
        return dict(json.loads(BUILT.read_text()))
    except (OSError, ValueError):
        return {}


def play(playbook: str, variables: dict[str, Any]) -> None:
    log = BUILD / f"{Path(playbook).stem}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        done = subprocess.run(
            ["ansible-playbook", playbook, "-i", str(INVENTORY), "-e", json.dumps(variables)],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            timeout=BUILD_SECONDS, check=False, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip
    if done.returncode != 0:
        raise Failed(f"{playbook}: status {done.returncode}, see {log}")
