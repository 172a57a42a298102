# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is checked: all rules within bounds, and for each rule that leaving it out gives a trace."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .checker import Model, Result, Trace, check
from .protocol import Bounds, Cluster, broken, canonical, must_settle, settled, start
from .steps import Rules

MOST = 2_000_000  # states
PAIR = Bounds(2, transactions=2, faults=2, kinds=frozenset())
PAIR_WITH_PAUSES = Bounds(2, transactions=1, faults=2, kinds=frozenset({"freeze", "cut", "move"}))
TRIO = Bounds(3, transactions=1, faults=1, kinds=frozenset())
TRIO_TWICE = Bounds(3, transactions=1, faults=2, kinds=frozenset())
SMALL = {"pair": PAIR, "pair with pauses": PAIR_WITH_PAUSES}
WHOLE = {**SMALL, "trio": TRIO}


@dataclass(frozen=True)
class Mistake:
    """A rule that is left out, and where that shows: from the start on, or after these moves."""

    rule: str
    bounds: Bounds
    after: tuple[str, ...] = ()


OVERLAPPING = frozenset({"freeze", "overlapping"})
VOTED_AND_FROZEN = (
    "A freezes", "B gets the VIP", "B votes for itself (2)", "C votes for B (2)", "B completes its promotion",
    "B opens writes", "B freezes")
MISTAKES = (
    Mistake("the tail of one that is left behind is ignored", PAIR),
    Mistake("the comparison comes before the number", TRIO),
    Mistake("one that may lead soon is waited for", PAIR),
    Mistake("alone is saved first", PAIR),
    Mistake("all that was received is applied", PAIR),
    Mistake("the writer waits again first", PAIR),
    Mistake("a live writer comes first", PAIR_WITH_PAUSES),
    Mistake("the writer waits longer than the lease", Bounds(2, 1, 2, OVERLAPPING), ("B freezes",)),
    Mistake("what was received counts", TRIO),
    Mistake("one that is promoted is complete", TRIO),
    Mistake("the newest promotion has no lease", TRIO, (
        "A loses its power", "B loses contact for the lease", "B gets the VIP")),
    Mistake("voters stop receiving", Bounds(3, 1, 1, frozenset({"freeze"}))),
    Mistake("all others but one vote", Bounds(3, 1, 1, frozenset({"freeze"}))),
    Mistake("one that was complete in this promotion counts", TRIO_TWICE),
    Mistake("one that has voted frees no older writer", Bounds(3, 1, 2, OVERLAPPING), VOTED_AND_FROZEN),
    Mistake("votes are saved first", Bounds(3, 1, 3, OVERLAPPING), VOTED_AND_FROZEN),

    Mistake("votes are by name", Bounds(3, 1, 3, OVERLAPPING), (
        "A loses its power", "B gets the VIP", "B votes for itself (2)", "B freezes", "A boots", "A gets the VIP",
        "A votes for itself (2)")),
    Mistake("only the complete acknowledge", TRIO_TWICE, (
        "A loses its power", "B gets the VIP", "B votes for itself (2)", "C votes for B (2)",
        "B completes its promotion", "B opens writes", "C takes note of what it hears",
        "C takes note of what it hears", "C connects to B", "C has caught up", "A boots",
        "A takes note of what it hears", "A takes note of what it hears", "A connects to B")),
    Mistake("left behind is saved first", Bounds(3, 1, 4, frozenset()), (
        "C loses its power", "B loses its power", "B boots", "B takes note of what it hears", "B is left behind",
        "A goes on alone", "A executes a transaction")),
)


def run(bounds: Bounds, left_out: str = "", after: tuple[str, ...] = (), most: int = MOST) -> Result[Cluster]:
    rules = Rules(bounds, frozenset({left_out} if left_out else ()))
    begun, before = start(bounds), []
    for name in after:
        move = next(move for move in rules.moves(begun) if move.name == name)
        before.append(move)
        begun = move.after
    result = check(Model(
        begun, rules.moves, broken, must_settle, lambda cluster: settled(cluster, bounds), canonical), most)
    if result.trace is None:
        return result
    return replace(result, trace=Trace(result.trace.broken, (*before, *result.trace.moves)))
