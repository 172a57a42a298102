# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""/status as Prometheus reads it (text format 0.0.4). Pure. What is not known has no sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

PHASES = ("starting", "standby", "promoting", "writer", "demoting", "held", "down", "paused")

Value = Union[float, int, bool, None]
Samples = Iterator["tuple[dict[str, str], Value]"]

# Name, help, and where in /status the value stands.
_GAUGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("up", "1: mysqld answers.", ("mysqld", "up")),
    ("mysqld_answer_age_seconds", "Seconds since mysqld last answered.", ("mysqld", "age")),
    ("read_only", "read_only of mysqld.", ("mysqld", "read_only")),
    ("super_read_only", "super_read_only of mysqld.", ("mysqld", "super_read_only")),
    ("writer", "1: this instance is the writer.", ("writer",)),
    ("eligible", "1: this instance may hold the writer VIP.", ("eligible",)),
    ("vip_here", "1: the writer VIP is on this host.", ("vip_here",)),
    ("keepalived_up", "1: keepalived runs.", ("keepalived",)),
    ("paused", "1: the agent is paused.", ("paused",)),
    ("generation", "Number of the newest promotion in the cluster that is known here.", ("generation",)),
    ("led_generation", "Number of the newest promotion of this instance; 0: it never led.", ("led",)),
    ("alone", "1: as writer it acknowledges without a second copy.", ("alone",)),
    ("left_behind", "1: a writer may have acknowledged what is not here.", ("left_behind",)),
    ("disk_stalled_seconds", "Seconds for which a small write to mysqld's disks has been waiting.", ("disk_stalled",)),
    ("unsaved_seconds", "Seconds for which the agent's state file has taken no write.", ("unsaved",)),
    ("semi_sync_enabled", "1: commits wait for a semi-sync replica.", ("mysqld", "semi_sync", "source")),
    ("semi_sync_clients", "Semi-sync replicas that are connected.", ("mysqld", "semi_sync", "clients")),
)


def metrics(told: dict[str, Any]) -> str:
    """`told` is the content of /status."""
    lines: list[str] = []
    own = {"cluster": told["cluster"], "instance": told["instance"]}

    def gauge(name: str, text: str, samples: Samples) -> None:
        found = [(labels, value) for labels, value in samples if value is not None]
        if found:
            lines.extend((f"# HELP mysql_ha_{name} {text}", f"# TYPE mysql_ha_{name} gauge"))
            lines.extend(f"mysql_ha_{name}{_labels({**own, **labels})} {_number(value)}" for labels, value in found)

    for name, text, path in _GAUGES:
        gauge(name, text, iter((({}, _at(told, path)),)))
    gauge("held", "1: a hold keeps the agent's hands off.", iter((({}, told["hold"] is not None),)))
    gauge("errant", "1: quarantined, because it has transactions that the cluster does not have.",
          iter((({}, bool(told["errant"])),)))
    gauge("not_redundant", "1: the writer has no standby that could succeed it without loss.",
          iter((({}, bool(told["not_redundant"])),)))
    gauge("phase", "1: what the agent is doing.", (({"phase": phase}, told["phase"] == phase) for phase in PHASES))
    channels = told["mysqld"]["channels"]
    gauge("channel_running", "1: receiver and applier run, and the source is connected.",
          (({"channel": each["name"]}, each["receiver"] == "Yes" and each["applier"]) for each in channels))
    gauge("channel_broken", "1: an error has stopped the channel.",
          (({"channel": each["name"]}, bool(each["broken"])) for each in channels))
    gauge("channel_lag_seconds", "How far the applier is behind its source.",
          (({"channel": each["name"]}, each["lag"]) for each in channels))
    gauge("peer_age_seconds", "Seconds since the newest question that this peer answered.",
          (({"peer": each["name"]}, each["age"]) for each in told["peers"]))
    gauge("witness_age_seconds", "Seconds since the newest question that this witness answered.",
          (({"witness": each["name"]}, each["age"]) for each in told["witnesses"]))
    return "\n".join(lines) + "\n"


def _at(told: Any, path: tuple[str, ...]) -> Value:
    for key in path:
        if told is None:
            return None
        told = told[key]
    value: Value = told
    return value


def _number(value: Value) -> str:
    return str(int(value)) if isinstance(value, (bool, int)) else repr(value)


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
