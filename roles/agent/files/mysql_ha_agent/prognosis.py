# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""If the writer fell silent now: who would lead, and if nobody would, why? Pure.

Asked of the writer in every step. `status`, `explain`, /status and the metrics all come from here, and the simulation
holds it to its word: whenever it names a successor and one fault follows, that cluster has a writer in time, and
nothing that was acknowledged is lost.
"""

from __future__ import annotations

from typing import NamedTuple

from . import votes
from .eligibility import unwritten
from .model import Peer, State
from .timing import BEHIND, PEER_SILENT
from .view import View


class Prognosis(NamedTuple):
    successor: str  # the candidate that would lead; empty: none would
    why_none: str  # a sentence; empty: there is a successor


def prognosis(view: View, state: State) -> Prognosis:
    """Of a writer."""
    unsaved = unwritten(view)
    if unsaved:
        return Prognosis("", f"{unsaved}: this writer can neither go on without its standby nor take one back.")
    if view.seen.saved.alone or state.durable.alone:
        return Prognosis("", f"Its commits are acknowledged without a second copy: {_each(view)}.")
    successor = next((peer for peer in view.others if not _obstacle(view, peer)), None)
    if successor is None:
        return Prognosis("", f"No other candidate may lead: {_each(view)}.")
    silent = [peer.name for peer in view.others if not view.live(peer)]
    if votes.needed(view) and silent:
        return Prognosis("", f"{successor.name} would need the vote of {' and '.join(silent)}, which does not answer.")
    if view.witnessed(PEER_SILENT) is False:
        return Prognosis(
            "", "No witness answers: without its standby this writer would close, because it may be cut off.")
    return Prognosis(successor.name, "")


def _each(view: View) -> str:
    return ", ".join(f"{peer.name} {_obstacle(view, peer) or 'may lead'}" for peer in view.others) \
        or "there is no other candidate"


def _obstacle(view: View, peer: Peer) -> str:
    """Why this candidate would not lead; empty: it would."""
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
    if not peer.eligible:
        return "may not lead"
    if not peer.witnessed and not votes.needed(view):
        return "hears no witness, so it would not lead over a silent writer"
    if not peer.flushes:
        return "would lose commits with its power (sync_binlog or innodb_flush_log_at_trx_commit is not 1)"
    if peer.applier_stands:
        return "has an applier that does not get on"
    if peer.behind is not None and peer.behind > BEHIND:
        return f"has not received everything for {peer.behind:.0f} s"
    return ""
