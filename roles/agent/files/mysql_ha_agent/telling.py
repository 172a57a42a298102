# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an agent says of itself: the JSON of /status, and the judgements of /writer and /reader. Pure.

docs/status.md describes every field; a test keeps the two equal.
"""

from __future__ import annotations

from typing import Any

from .config import Config
from .eligibility import certificate_problem, channel_broken, unwritten
from .model import WRITER_SET, Channel, Peer, Seen, Server, State
from .standing import stuck, waits
from .view import PEER_SILENT, View

VERSION = 1  # counts incompatible changes
READER_SILENT = 1.0  # seconds without an answer from mysqld: reads can go elsewhere long before it counts as hung


def left_behind(config: Config, seen: Seen, state: State) -> bool:
    """What is on disk; where the state file or mysqld's disk takes no write, what is remembered. That is safe: one
    that forgets it with its life must hear the writer before it may lead, and that one says that it was alone."""
    stalled = max(seen.disk_stalled, seen.state_file.unsaved) >= config.lease and state.durable.left_behind
    return stalled or seen.saved.left_behind


def status(config: Config, seen: Seen, state: State, now: float, serial: str = "") -> dict[str, Any]:
    """The whole local view. Ages are seconds before `now`."""
    saved, mysqld = seen.saved, seen.mysqld
    server = mysqld.server if mysqld.alive else None
    view = View(config, seen, now)
    return {
        "version": VERSION,
        "serial": serial,
        "clock": now,
        "instance": config.instance,
        "cluster": config.cluster,
        "topology": config.topology,
        "role": config.role,
        "address": str(config.address),
        "port": config.port,
        "vip": str(config.vip),
        "phase": state.phase,
        "writer": state.phase == "writer",
        "vip_here": seen.vip_here,
        "vip_answered_by": seen.vip_probe.answered_by,
        "keepalived": seen.keepalived,
        "hold": seen.hold,
        "paused": seen.paused,
        "track": seen.track,
        "lead": int(seen.lead) if seen.lead and seen.lead.isdigit() else 0,
        "eligible": is_eligible(state),
        "reasons": list(state.reasons),
        "waiting": state.waiting,
        "not_redundant": not_redundant(view, state),
        # What is shown is on disk: after a crash this instance remembers what it has told.
        "generation": saved.generation,
        "led": saved.led,
        "alone": saved.alone,
        "left_behind": left_behind(config, seen, state),
        "source_proven": saved.source_proven,
        "errant": saved.errant or state.durable.errant,
        "stuck": stuck(view, state),
        "waits": waits(view, state),
        "disk_stalled": round(seen.disk_stalled, 3),
        "unsaved": round(seen.state_file.unsaved, 3),
        "mysqld": _mysqld(config, seen, server, now),
        "last_writer": {"name": state.writer, "has_more": _extra(server, WRITER_SET)},
        "hears": [
            {"name": peer.name, "phase": peer.phase, "age": _age(peer.answered, now)}
            for peer in seen.peers if peer.answered is not None
        ],
        "peers": [_peer(peer, server, now) for peer in seen.peers],
        "witnessed": view.witnessed(PEER_SILENT),
        "witnesses": [{"name": witness.name, "age": _age(witness.answered, now)} for witness in seen.witnesses],
    }


def is_eligible(state: State) -> bool:
    return state.phase != "starting" and not state.reasons


def is_up(config: Config, seen: Seen, now: float) -> bool:
    mysqld = seen.mysqld
    return bool(
        mysqld.alive and mysqld.server is not None
        and mysqld.answered is not None and now - mysqld.answered < config.hang_timeout)


def locked(config: Config, seen: Seen, now: float) -> str:
    """Who keeps all writes waiting, and has for a while: a moment of it belongs to many a backup."""
    server = seen.mysqld.server
    if server is None or server.locked_since is None or now - server.locked_since < config.hang_timeout:
        return ""
    return server.locked_by


def _mysqld(config: Config, seen: Seen, server: Server | None, now: float) -> dict[str, Any]:
    semi_sync = server.semi_sync if server else None
    return {
        "up": is_up(config, seen, now),
        "alive": seen.mysqld.alive,
        "error": seen.mysqld.error,
        "trouble": seen.mysqld.trouble,
        "age": _age(seen.mysqld.answered, now),
        "version": server.version if server else "",
        "uuid": server.uuid if server else "",
        "read_only": server.read_only if server else None,
        "super_read_only": server.super_read_only if server else None,
        "offline_mode": server.offline_mode if server else None,
        "locked_by": locked(config, seen, now),
        "gtid_executed": server.gtid_executed if server else "",
        "channels": [_channel(channel) for channel in (server.channels if server else ())],
        "semi_sync": {"source": semi_sync.source_enabled, "clients": semi_sync.clients} if semi_sync else None,
        "events_disabled": list(server.events_disabled) if server else [],
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name, "source": f"{channel.source_host}:{channel.source_port}",
        "receiver": channel.receiver, "applier": channel.applier, "drained": channel.drained,
        "lag": channel.lag, "broken": channel_broken(channel), "certificate": certificate_problem(channel),
    }


def _peer(peer: Peer, server: Server | None, now: float) -> dict[str, Any]:
    return {
        "name": peer.name, "phase": peer.phase, "eligible": peer.eligible, "left_behind": peer.left_behind,
        "errant": peer.errant, "age": _age(peer.answered, now), "refused_age": _age(peer.refused, now),
        "knocked_age": _age(peer.knocked, now), "error": peer.error, "has_more": _extra(server, peer.name),
    }


def _extra(server: Server | None, of: str) -> str | None:
    comparison = server.comparison(of) if server else None
    return comparison.peer_extra if comparison else None


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else round(now - at, 3)


def not_redundant(view: View, state: State) -> str:
    """Of a writer: why one more fault would stop the cluster or cost data; empty: it would not, or it is no writer."""
    if state.phase != "writer":
        return ""
    unsaved = unwritten(view)
    if unsaved:
        return f"{unsaved}: this writer can neither go on without its standby nor take one back."
    if view.seen.saved.alone:
        alone = "Its commits are acknowledged without a second copy"
    elif any(view.live(peer) and peer.eligible for peer in view.others):
        if view.witnessed(PEER_SILENT) is False:
            return "No witness answers: without its standby this writer would close, because it may be cut off."
        deaf = [peer.name for peer in view.others if view.live(peer) and not peer.witnessed]
        return f"No witness answers {' and '.join(deaf)}, which would not lead over a silent writer." if deaf else ""
    else:
        alone = "No other candidate may lead"
    others = [f"{peer.name} {_why_not(view, peer)}" for peer in view.others]
    return f"{alone}: {', '.join(others) or 'there is no other candidate'}."


def _why_not(view: View, peer: Peer) -> str:
    if peer.answered is None or not view.live(peer):
        return "does not answer"
    if peer.errant:
        return "is quarantined"
    if not peer.mysqld_up:
        return "is down"
    if peer.left_behind:
        server = view.server
        if peer.receiving and server is not None and server.semi_sync and not server.semi_sync.clients:
            return "receives, but acknowledges nothing (rpl_semi_sync_replica_enabled)"
        return "was left behind"
    if peer.unsaved >= view.config.disk_timeout:
        return "cannot write its state file"
    return "may lead" if peer.eligible else "may not lead"


# ---- health checks ---------------------------------------------------------------------------------------------------


def writer(config: Config, seen: Seen, state: State, now: float) -> tuple[int, dict[str, Any]]:
    """200: writes can be sent here, and would be carried out."""
    fit = state.phase == "writer" and is_up(config, seen, now) and not locked(config, seen, now)
    return (200 if fit else 503), {"writer": fit, "phase": state.phase}


def reader(
    config: Config, seen: Seen, state: State, now: float, max_lag: float, writer_too: bool = False,
) -> tuple[int, dict[str, Any]]:
    """200: fit to serve reads that tolerate this lag, in seconds: a replica whose channels are whole. The writer is
    one only with `writer_too`; what is held, quarantined, or has just become silent is none."""
    server, answered = seen.mysqld.server, seen.mysqld.answered
    if server is None or answered is None or not is_up(config, seen, now) or now - answered >= READER_SILENT:
        return 503, {"reader": False, "lag": None}
    lags = [
        channel.lag for channel in server.channels
        if channel.lag is not None and channel.applier and not channel_broken(channel)
    ]
    whole = server.read_only and bool(lags) and len(lags) == len(server.channels) and max(lags) <= max_lag
    leads = writer_too and state.phase == "writer"
    fit = (
        (leads or whole) and not server.offline_mode and seen.hold is None
        and not seen.saved.errant and not state.durable.errant
    )
    return (200 if fit else 503), {"reader": fit, "lag": 0.0 if leads else max(lags) if lags else None}
