# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The times of the core, in seconds. Which of them must be longer than which is tests/unit/agent/test_timing.py's."""

from __future__ import annotations

# ---- Who counts as live, and how often is looked ---------------------------------------------------------------------

FRESH = 1.5  # seconds; an answer that is not older than this, and the newest question's, speaks for the present
PEER_SILENT = 2.0  # a peer or witness that has not answered for so long no longer counts as live
CALM = 0.2  # seconds between two steps
BUSY = 0.05
ANSWERS_WITHIN = 0.5  # seconds; with nothing wrong mysqld is asked every 0.3 s
PEER_ANSWERS_WITHIN = 1.2  # a question waits there for 0.5 s, and its answer counts from when it was sent
LEASE_MARGIN = 0.2  # by which a writer waits longer than a standby does

# ---- Until a decision is taken again ---------------------------------------------------------------------------------

RETRY = 0.3  # seconds
RETRY_THREADS = 1.0
RETRY_EVENTS = 5.0  # more than the time between two looks at them
RETRY_SEMI_SYNC = 2.0  # switching it off takes 1.3 s, of which commits notice nothing

# ---- Who may have what -----------------------------------------------------------------------------------------------

UNFED = 1.0  # seconds without a connected receiver while a writer lives
HEARD_WITHIN = FRESH + 0.5  # seconds after which no older answer of a peer counts any more
WAITS_AFTER = 1.0  # seconds; commits that began before semi-sync was on have ended by then
KNOCKS = 1.0  # seconds; an agent that lives asks twice as often
VIP_PROBE_LASTS = 1.0
STUCK_AFTER = 1.5
CLOSE_BEHIND = 2.5  # seconds since the writer had no more than a standby has received: it may be waited for again
CLOSE_BEHIND_FOR = 2.0
FAR_BEHIND = 6.0  # the same, at which one that was left behind hurries
APPLIER_STANDS = 2.0
VOTER_COMES = 1.5  # seconds for which the receiver of one that has voted may take to connect
HALTED = 4.0  # seconds without a byte while the writer's commits wait
DEAF = 2 / 3  # of the lease
STALLS = 0.5  # seconds of a disk at which a standby is not worth waiting for

# ---- Reasons against leading -----------------------------------------------------------------------------------------

STEADY = 3.0  # seconds without an error until a channel counts as mended: a restarted receiver has none for a moment
OWN_PAUSE = 0.5  # between two steps: the agent itself, or its whole host, did not run
PATIENCE = 5.0  # seconds for which the last writer, once heard, may still be starting
VIP_GONE = 1.0  # seconds after which a VIP that nobody has is given up

# ---- Promotion, and the writer ---------------------------------------------------------------------------------------

ASK_BOUND = 0.15  # a peer that has not answered for so long since the VIP came is silent
RECONNECTED = 1.0
REFUSE_AFTER = 0.5  # the VIP is given back when another live writer has not stepped down for so long
RETRY_VOTES = 0.02
NUDGE_AFTER = 0.5
VOTES_WITHIN = 1.0  # seconds after which one that answers and does not vote is left out

# ---- The host, quarantine, memory ------------------------------------------------------------------------------------

FRESH_WRITER = 2.0  # seconds for which a transaction must have been missing from a live writer to be called errant
HALF_OPEN = 60.0  # super_read_only may be off on a read-only standby for so long: local accounts are written so
STALE = 2.0  # seconds for which the VIP may stay after keepalived was told that it may not
ADVERTS_LAST = 1.0
OUTDONE = 10.0  # seconds for which one that has more may take to get the VIP and to lead
CUT = 1.2  # seconds without an answer of anybody, witnesses included; they are asked twice a second
RETRY_REJOIN = 60.0
SAVE_EVERY = 5.0

# ---- What the writer foretells ---------------------------------------------------------------------------------------

BEHIND = 5.0  # seconds for which a standby may lack what the writer had

# ---- Reads -----------------------------------------------------------------------------------------------------------

READER_SILENT = 1.0  # seconds without an answer from mysqld: reads can go elsewhere long before it counts as hung
