# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Of the seeds below 250 one that shows each planted mistake; `make simulate CATCH=250` prints the first of them."""

from __future__ import annotations

FOUND: dict[str, int] = {
    "TrackFileFirst": 79,
    "SemiSyncOffFirst": 244,
    "NoDemotion": 66,
    "NeverKills": 15,
    "CutOffGoesOn": 244,
    "WitnessIgnored": 244,
    "SilenceIsConsent": 49,
    "NoPeerCheck": 67,
    "NoDrain": 27,
    "GenerationIgnored": 49,
    "SourceTakenForProven": 202,
    "NeverLeadsAgain": 79,
    "FiniteTimeout": 244,
    "ChannelLeftRunning": 202,
    "ReceiverLeftStopped": 106,
    "ApplierLeftStopped": 76,
    "NeverGoesOn": 76,
    "NeverWaitsAgain": 76,
    "SemiSyncLeftOn": 79,
}
