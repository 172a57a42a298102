# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the drawing of a cluster shows: boxes, and lines between them. No geometry here. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ._audit_report_text import SEVERITIES, Result, line, seconds

Key = tuple[str, str]  # kind and name


class Line(NamedTuple):
    """From a box to a box. `state` is a style: good, slow, bad, idle or unknown."""

    source: Key
    target: Key
    state: str
    label: str
    text: str  # the whole story, shown on pointing at it


class Box(NamedTuple):
    key: Key
    kind: str  # instance, host, silent, outside, vip, pool
    title: str
    lines: list[str]
    role: str = ""
    state: str = "good"
    host: str = ""  # of the inventory
    marks: tuple[int, ...] = (0,) * len(SEVERITIES)  # numbers of findings, worst first


class Graph(NamedTuple):
    boxes: list[Box]  # hosts and servers
    levels: dict[Key, int]  # of boxes: sources above their replicas
    tops: list[Box]  # VIPs in front of balancers
    fronts: list[Box]  # balancers, and VIPs in front of servers
    channels: list[Line]
    feeds: list[Line]  # from tops and fronts


def graph(cluster: Result, hosts: dict[str, Result]) -> Graph:
    boxes = _boxes(cluster, hosts, _short(cluster["hosts"]))
    outside: dict[Key, Box] = {}
    channels = [_channel(channel, boxes, outside) for channel in cluster["channels"]]
    _short(cluster["hosts"])
    pools, feeds = _pools(cluster, boxes, outside)
    tops, fronts, vip_feeds = _vips(cluster, boxes, pools)
    # Sources outside of the inventory stand above all, other strangers with the lowest replicas.
    sources = {channel.source for channel in channels}
    above = int(bool(sources & set(outside)))
    levels = {key: level + above for key, level in _levels(boxes, channels).items()}
    last = max(levels.values(), default=0)
    levels.update({key: 0 if key in sources else last for key in outside})
    fronts += [pool.box for pool in pools]
    return Graph([*boxes.values(), *outside.values()], levels, tops, fronts, channels, [*vip_feeds, *feeds])


# --- Servers and hosts


def _short(names: list[str]) -> dict[str, str]:
    """Names without their domains, where that leaves them different."""
    short = {name: line(name) if name[:1].isdigit() else line(name).split(".")[0] or line(name) for name in names}
    return short if len(set(short.values())) == len(names) else {name: line(name) for name in names}


def _boxes(cluster: Result, hosts: dict[str, Result], short: dict[str, str]) -> dict[Key, Box]:
    marks = _marks(cluster)
    boxes = {}
    for instance in sorted(cluster["instances"], key=lambda each: (each["role"] != "writer", each["host"])):
        boxes["host", instance["host"]] = _instance(instance, short, marks.get(instance["host"], _NONE))
    balancing = {balancer["host"] for balancer in cluster["balancers"]}
    for name in cluster["hosts"]:
        if ("host", name) in boxes or name in balancing:
            continue
        about = hosts.get(name) or {"asked": True, "reason": "", "roles": [], "addresses": []}
        roles, addresses = ", ".join(about["roles"]), ", ".join(about["addresses"])
        if about["asked"]:
            lines, kind = ["no database seen", roles, addresses], "host"
        else:
            lines, kind = ["could not be asked", about["reason"]], "silent"
        boxes["host", name] = Box(
            ("host", name), kind, short[name], [line(each) for each in lines if each], host=name,
            marks=marks.get(name, _NONE),
        )  # fmt: skip
    return boxes


_NONE = (0,) * len(SEVERITIES)


def _marks(cluster: Result) -> dict[str, tuple[int, ...]]:
    """Host -> how many findings name it, by severity."""
    marks: dict[str, tuple[int, ...]] = {}
    for finding in cluster["findings"]:
        for host in {each["host"] for each in finding["evidence"]}:
            old = marks.get(host, _NONE)
            new = (finding["severity"] == severity for severity in SEVERITIES)
            marks[host] = tuple(number + more for number, more in zip(old, new))
    return marks


_FLAVOURS = {"mysql": "MySQL", "percona": "Percona Server", "mariadb": "MariaDB", None: ""}
_SEMI_SYNC = {"waits": "semi-sync", "fallen_back": "semi-sync fell back", "acknowledges": "semi-sync"}


def _instance(instance: Result, short: dict[str, str], marks: tuple[int, ...]) -> Box:
    place = line(instance["address"]) + (f":{instance['port']}" if instance["port"] else "")
    if not instance["reachable"]:
        lines, state = [place, "not reachable", line(instance["reason"])], "unknown"
    else:
        flags = "super_read_only" if instance["super_read_only"] else "read_only" if instance["read_only"] else ""
        gtid = "" if instance["gtid_mode"] in ("ON", None) else f"GTID {line(instance['gtid_mode'])}"
        sync = _SEMI_SYNC.get(instance["semi_sync"], "")
        version = f"{_FLAVOURS.get(instance['flavour'], '')} {line(instance['version'])}".strip()
        lines, state = [place, version, ", ".join(each for each in (flags, gtid, sync) if each)], "good"
    return Box(
        ("host", instance["host"]), "instance", short.get(instance["host"], line(instance["host"])),
        [each for each in lines if each], instance["role"], state, instance["host"], marks,
    )  # fmt: skip


def _outside(outside: dict[Key, Box], address: str, port: int | None) -> Key:
    name = line(address) + (f":{port}" if port else "")
    key = ("outside", name)
    outside.setdefault(key, Box(key, "outside", name, ["not in the inventory"], state="idle"))
    return key


# --- Channels


def _channel(channel: Result, boxes: dict[Key, Box], outside: dict[Key, Box]) -> Line:
    source = ("host", channel["source"] or "")
    if source not in boxes:
        source = _outside(outside, channel["source_host"], channel["source_port"])
    target = ("host", channel["host"])
    if target not in boxes:
        target = _outside(outside, channel["host"], None)
    state = {"running": "good", "connecting": "slow", "stopped": "bad"}.get(channel["state"], "unknown")
    lag, delay = channel["lag_seconds"], channel["delay"] or 0
    if state == "good":
        label = seconds(lag)
        # The same second as in the rules: a minute beyond what is wanted.
        state = "slow" if lag is not None and lag > delay + 60 else state
    else:
        label = channel["state"]
    parts = [
        f"{source[1]} to {target[1]}", f"channel {line(channel['name'])}" if channel["name"] else "",
        channel["state"], seconds(lag) if lag is None else f"{seconds(lag)} behind",
        f"{delay} s on purpose" if delay else "", f"through VIP {line(channel['vip'])}" if channel["vip"] else "",
        line(channel["error"]),
    ]  # fmt: skip
    return Line(source, target, state, label, ", ".join(each for each in parts if each))


def _levels(boxes: dict[Key, Box], channels: list[Line]) -> dict[Key, int]:
    """Replicas one below their sources; those that replicate from each other side by side."""
    sources: dict[Key, set[Key]] = {key: set() for key in boxes}
    for channel in channels:
        if channel.source in boxes and channel.target in boxes and channel.source != channel.target:
            sources[channel.target].add(channel.source)
    above = {key: _reach(key, sources) for key in boxes}
    # Whoever reaches itself through another is in a ring with it; a ring counts once.
    rings = {key: frozenset({key} | {other for other in above[key] if key in above[other]}) for key in boxes}
    ordered = sorted(boxes, key=lambda key: len(above[key] - rings[key]))
    levels: dict[Key, int] = {}
    for key in ordered:  # each ancestor has fewer ancestors, so it comes first
        upper = {other for member in rings[key] for other in sources[member]} - rings[key]
        levels[key] = 1 + max((levels[other] for other in upper), default=-1)
    return levels


def _reach(start: Key, sources: dict[Key, set[Key]]) -> set[Key]:
    seen: set[Key] = set()
    waiting = [start]
    while waiting:
        for other in sources[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


# --- Balancers and VIPs

_STATES = {"up": "good", "down": "bad", "drained": "idle"}


class _Pool(NamedTuple):
    box: Box
    hosts: list[str]
    listen: list[str]


def _pools(cluster: Result, boxes: dict[Key, Box], outside: dict[Key, Box]) -> tuple[list[_Pool], list[Line]]:
    """Balancers that offer the same of the same servers are one box: they stand in for each other."""
    alike: dict[tuple[object, ...], list[Result]] = {}
    for balancer in cluster["balancers"]:
        targets = tuple(sorted((line(each["address"]), each["port"] or 0) for each in balancer["servers"]))
        alike.setdefault((balancer["kind"], balancer["name"], tuple(balancer["listen"]), targets), []).append(balancer)
    marks = _marks(cluster)
    pools, feeds = [], []
    for number, group in enumerate(alike.values()):
        first, hosts = group[0], [each["host"] for each in group]
        about = [marks.get(host, _NONE) for host in dict.fromkeys(hosts)]
        kind = "LVS" if first["kind"] == "lvs" else "HAProxy"
        scheduler = f", {line(first['scheduler'])}" if first["scheduler"] else ""
        listen = ", ".join(line(each) for each in first["listen"])
        lines = [f"{kind}{scheduler}", listen if listen != first["name"] else "", "on " + line(", ".join(hosts))]
        box = Box(
            ("pool", str(number)), "pool", line(first["name"]), [each for each in lines if each], kind, host=hosts[0],
            marks=tuple(sum(numbers) for numbers in zip(*about)),
        )  # fmt: skip
        pools.append(_Pool(box, hosts, first["listen"]))
        feeds += _pool_feeds(box.key, group, boxes, outside)
    return pools, feeds


def _pool_feeds(key: Key, group: list[Result], boxes: dict[Key, Box], outside: dict[Key, Box]) -> list[Line]:
    feeds: dict[Key, Line] = {}
    for balancer in group:
        for server in balancer["servers"]:
            target = ("host", server["host"] or "")
            if target not in boxes:
                target = _outside(outside, server["address"], server["port"])
            state = _STATES.get(server["state"], "unknown")
            check = line(server["check"]) or "no check"
            text = f"{line(balancer['host'])} to {line(server['name'])}: {server['state']}, {check}"
            known = feeds.get(target)
            # The worst of what they say is drawn, all of it is told.
            if known is not None:
                order = ("bad", "idle", "unknown", "good")
                state = min(state, known.state, key=order.index)
                text = f"{known.text}; {text}"
            feeds[target] = Line(key, target, state, "", text)
    return list(feeds.values())


def _vips(cluster: Result, boxes: dict[Key, Box], pools: list[_Pool]) -> tuple[list[Box], list[Box], list[Line]]:
    tops, fronts, feeds = [], [], []
    for vip in cluster["vips"]:
        key = ("vip", vip["address"])
        members = {each["host"]: each for each in vip["instances"]}
        hosts = [*dict.fromkeys([*vip["holders"], *members])]
        servers = [host for host in hosts if ("host", host) in boxes]
        own = [pool.box.key for pool in pools if any(_listens(entry, vip["address"]) for entry in pool.listen)]
        behind = own or [pool.box.key for pool in pools if set(pool.hosts) & set(hosts)]
        # Only of an address that VRRP moves is it known who might have it.
        held = "on " + line(", ".join(vip["holders"])) if vip["holders"] else "on no host" if members else ""
        wrong = len(vip["holders"]) > 1 or (members and not vip["holders"])
        wrong = wrong or vip["stale"] or (vip["answering"] or 0) > 1
        box = Box(
            key,
            "vip",
            line(vip["address"]),
            [each for each in (_vrrp(vip), held) if each],
            "VIP",
            "bad" if wrong else "good",
        )
        if servers or not behind:
            fronts.append(box)
            feeds += [_vip_feed(key, vip, host, members.get(host)) for host in servers]
        else:
            tops.append(box)
            feeds += [
                Line(key, pool, box.state, "", f"{line(vip['address'])}, {held or 'balanced here'}") for pool in behind
            ]
    return tops, fronts, feeds


def _listens(entry: str, address: str) -> bool:
    return entry == address or entry.startswith((f"{address}:", f"[{address}]:"))


def _vrrp(vip: Result) -> str:
    numbers = {each["virtual_router_id"] for each in vip["instances"] if each["virtual_router_id"] is not None}
    if numbers:
        return "VRRP " + " and ".join(str(number) for number in sorted(numbers))
    return {"lvs": "balanced by LVS", "other": "seen on an interface"}.get(vip["kind"], "VRRP")


def _vip_feed(key: Key, vip: Result, host: str, member: Result | None) -> Line:
    name = line(vip["address"])
    about = ""
    if member is not None:
        about = f", VRRP {member['state'] or 'state unknown'}, priority {member['effective_priority']}"
    if host in vip["stale"]:
        return Line(key, ("host", host), "bad", "", f"{name} is on {line(host)} and should not be{about}")
    if host in vip["holders"]:
        state = "good" if len(vip["holders"]) == 1 else "bad"
        return Line(key, ("host", host), state, "", f"{name} is on {line(host)}{about}")
    return Line(key, ("host", host), "idle", "", f"{name} may move to {line(host)}{about}")
