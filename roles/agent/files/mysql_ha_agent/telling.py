# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an agent says of itself: the JSON of /status, and the judgements of /writer and /reader. Pure.

docs/status.md describes every field; a test keeps the two equal.
"""

from __future__ import annotations

from typing import Any

from .config import Config
from .eligibility import certificate_problem, channel_broken
from .model import WRITER_SET, Channel, Peer, Seen, Server, State
from .prognosis import prognosis
from .standing import applier_stands, stuck, waits
from .timing import PEER_SILENT, READER_SILENT
from .view import View

VERSION = 1  # counts incompatible changes


def left_behind(config: Config, seen: Seen, state: State) -> bool:
    """What is on disk; where the state file or mysqld's disk takes no write, what is remembered. That is safe: one
    that forgets it with its life must hear the writer before it may lead, and that one says that it was alone."""
    stalled = max(seen.disk_stalled, seen.state_file.unsaved) >= config.lease and state.durable.left_behind
    return stalled or seen.saved.left_behind


def gives_up(view: View, state: State) -> int | None:
    """The promotion since which this instance is left behind."""
    behind = left_behind(view.config, view.seen, state) and view.config.is_candidate
    return view.seen.saved.generation if behind else None


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
        "successor": prognosis(view, state).successor if state.phase == "writer" else "",
        "not_redundant": not_redundant(view, state),
        # What is shown is on disk: after a crash this instance remembers what it has told.
        "generation": saved.generation,
        "led": saved.led,
        "alone": saved.alone,
        "left_behind": left_behind(config, seen, state),
        "source_proven": saved.source_proven,
        "errant": saved.errant or state.durable.errant,
        "vote": saved.vote,
        "voted_for": saved.voted_for,
        "stopped": view.receives_nothing,
        "behind": _age(state.received_of, now),
        "applier_stands": applier_stands(view, state),
        "stuck": stuck(view, state),
        "waits": waits(view, state),
        "commits_wait": commits_wait(seen, state),
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


def commits_wait(seen: Seen, state: State) -> bool:
    """Of a writer: a commit waits for its acknowledgement."""
    server = seen.mysqld.server
    return state.phase == "writer" and bool(server and server.semi_sync and server.semi_sync.waiting)


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
        "pending": server.pending if server else "",
        "flushes": server.flushes if server else None,
        "channels": [_channel(channel) for channel in (server.channels if server else ())],
        "semi_sync": {"source": semi_sync.source_enabled, "clients": semi_sync.clients} if semi_sync else None,
        "events_disabled": list(server.events_disabled) if server else [],
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name, "source": f"{channel.source_host}:{channel.source_port}",
        "receiver": channel.receiver, "applier": channel.applier, "drained": channel.drained,
        "lag": channel.lag, "broken": channel_broken(channel), "certificate": certificate_problem(channel),
        "blocked": channel.blocked, "delay": channel.delay,
    }


def _peer(peer: Peer, server: Server | None, now: float) -> dict[str, Any]:
    return {
        "name": peer.name, "phase": peer.phase, "eligible": peer.eligible, "left_behind": peer.left_behind,
        "errant": bool(peer.errant), "age": _age(peer.answered, now), "refused_age": _age(peer.refused, now),
        "knocked_age": _age(peer.knocked, now), "error": peer.error, "has_more": _extra(server, peer.name),
    }


def _extra(server: Server | None, of: str) -> str | None:
    comparison = server.comparison(of) if server else None
    return comparison.peer_extra if comparison else None


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else round(now - at, 3)


def not_redundant(view: View, state: State) -> str:
    """Of a writer: why one more fault would stop the cluster or cost data; empty: it would not, or it is no writer."""
    return prognosis(view, state).why_none if state.phase == "writer" else ""


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
