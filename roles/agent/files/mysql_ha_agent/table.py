# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `mysql-ha status` and `mysql-ha explain` print. Pure: answers of agents in, text out."""

from __future__ import annotations

from typing import Any

from . import proxies, rejoin
from .config import Config

Answer = dict[str, Any]  # /status, or `instance`, `role` and `error`

HEADINGS: tuple[str, ...] = (
    "INSTANCE", "ROLE", "PHASE", "VIP", "READ_ONLY", "CHANNEL", "LAG", "SEMI-SYNC", "MAY LEAD",
)
HEARD = 2.0  # seconds; a peer or witness whose last answer is older is silent


def status(config: Config, answers: list[Answer], views: list[proxies.View] | None = None) -> str:
    """The tables, and under them what a person has to do something about. `views`: what proxies think."""
    told = [answer for answer in answers if "error" not in answer]
    return "\n".join([
        f"cluster {config.cluster}, {config.topology}, VIP {config.vip}", *_table([HEADINGS, *map(_row, answers)]),
        *_table(proxies.rows(views or [])),
        *_about_writers(told), *(line for answer in told for line in _about(answer)),
        *proxies.about(views or [], told),
    ])


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _row(answer: Answer) -> tuple[str, ...]:
    if "error" in answer:
        return (answer["instance"], answer["role"], "no answer", "?", "?", "?", "?", "?", answer["error"])
    mysqld, semi_sync = answer["mysqld"], answer["mysqld"]["semi_sync"]
    lags = [channel["lag"] for channel in mysqld["channels"] if channel["lag"] is not None]
    waits = "-" if not semi_sync else f"{semi_sync['clients']} connected" if semi_sync["source"] else "off"
    return (
        answer["instance"], answer["role"], answer["phase"],
        "here" if answer["vip_here"] else "-",
        {None: "?", True: "yes", False: "no"}[mysqld["read_only"]],
        ", ".join(map(_channel, mysqld["channels"])) or "-",
        f"{max(lags):g} s" if lags else "-",
        waits if answer["writer"] else "-",
        "yes" if answer["eligible"] else " ".join(answer["reasons"]) or "not known yet",
    )


def _channel(channel: dict[str, Any]) -> str:
    if channel["broken"]:
        return "broken"
    if channel["receiver"] == "Yes":
        return "running" if channel["applier"] else "applier stopped"
    return {"No": "stopped", "Connecting": "connecting"}.get(channel["receiver"], "?")


def _about_writers(answers: list[Answer]) -> list[str]:
    writers = [answer for answer in answers if answer["writer"]]
    if not writers:
        return ["NO WRITER among the instances that answer."]
    lines = []
    if len(writers) > 1:
        lines.append(f"TWO WRITERS: {', '.join(writer['instance'] for writer in writers)}.")
    return lines + [f"NOT REDUNDANT: {writer['not_redundant']}" for writer in writers if writer["not_redundant"]]


def _about(answer: Answer) -> list[str]:
    """What is out of the ordinary with one instance, and what to do."""
    name, lines = answer["instance"], []
    if answer["errant"]:
        lines.append(
            f"{name} is QUARANTINED: only it has the transactions {answer['errant']}. It serves no reads and never"
            " leads. Keep what is needed of them, then provision it anew from the writer (agent_rejoin: clone"
            " does both).")
    elif answer["left_behind"] and answer["role"] == "candidate":
        lines.append(
            f"{name} was left behind: it may lack acknowledged writes. It may lead again when it has caught up with"
            " the writer. If that one is lost for good: mysql-ha promote --accept-data-loss.")
    if answer["waiting"]:
        lines.append(f"{name} has the VIP, read-only: its promotion waits for {answer['waiting']}.")
    if answer["hold"] == rejoin.HOLD:
        lines.append(f"{name} is held: {rejoin.HOLD}, and lets go of it when that is done.")
    elif answer["hold"] is not None:
        why = answer["hold"] or "no reason given"
        lines.append(f"{name} is held ({why}). To end that: mysql-ha release. A reboot ends it too.")
    if answer["paused"]:
        lines.append(
            f"{name} is paused: its agent leaves it as it is. To end that: mysql-ha resume. A reboot ends it too.")
    if answer["vip_answered_by"]:
        lines.append(f"{name} hears another host, {answer['vip_answered_by']}, answer for the VIP.")
    if answer["mysqld"].get("locked_by"):
        lines.append(
            f"{name}: {answer['mysqld']['locked_by']} has locked all tables (FLUSH TABLES WITH READ LOCK), so every"
            " write waits. To end that: KILL this connection.")
    if answer["mysqld"].get("trouble"):
        lines.append(f"{name}: {answer['mysqld']['trouble']}.")
    for channel in answer["mysqld"]["channels"]:
        if channel["broken"]:
            lines.append(f"{name}: its channel '{channel['name']}' from {channel['source']}: {channel['broken']}.")
        if channel.get("certificate"):
            lines.append(f"{name}: {channel['certificate']}.")
    return lines


# ---- one instance ----------------------------------------------------------------------------------------------------


def explanation(config: Config, own: Answer) -> str:
    """Whether an instance may lead, why, what it waits for, whom it hears, and what a failover would do."""
    place = "the VIP is here" if own["vip_here"] else "the VIP is not here"
    lines = [f"{own['instance']}, a {own['role']}, is {own['phase']}; {place}."]
    if own["eligible"]:
        lines.append("It may hold the writer VIP.")
    elif own["reasons"]:
        lines += ["It may not hold the writer VIP:", *(f"  {reason}" for reason in own["reasons"])]
    else:
        lines.append("Whether it may hold the writer VIP is not known yet.")
    lines += _about(own)
    if not own["keepalived"]:
        lines.append("keepalived does not run, so the VIP cannot come here.")
    if own["disk_stalled"]:
        lines.append(f"A write to its disks has been waiting for {own['disk_stalled']:g} s.")
    if own["unsaved"] >= config.disk_timeout:
        lines.append(f"Its state file {config.state_file} has taken no write for {own['unsaved']:.0f} s.")
    lines.append(_memory(own))
    lines += [_peer(peer) for peer in own["peers"]]
    lines += [f"Witness {witness['name']} {_heard(witness['age'], 'answered')}." for witness in own["witnesses"]]
    if own["witnessed"] is None:
        lines.append("There is neither a witness nor a reader: nothing shows whether this host is cut off.")
    elif not own["witnessed"]:
        lines.append("No witness answers: over a silent peer it would not lead, nor go on alone.")
    return "\n".join([*lines, _if_the_writer_failed(config, own)])


def _memory(own: Answer) -> str:
    if not own["generation"]:
        return "It knows of no promotion in this cluster."
    newest = f"The newest promotion that it knows of is number {own['generation']}"
    if own["led"] == own["generation"]:
        return f"{newest}, its own."
    return f"{newest}; its own last one was number {own['led']}." if own["led"] else f"{newest}; it never led."


def _heard(age: float | None, verb: str) -> str:
    if age is None:
        return f"has not {verb} since the agent started"
    return f"{verb} {age:.1f} s ago" if age <= HEARD else f"has not {verb} for {age:.1f} s"


def _peer(peer: dict[str, Any]) -> str:
    said = f"{peer['name']} {_heard(peer['age'], 'answered')}"
    if peer["age"] is None:
        return f"{said} ({peer['error']})." if peer["error"] else f"{said}."
    traits = [
        peer["phase"], "may lead" if peer["eligible"] else "may not lead",
        "left behind" if peer["left_behind"] else "", "quarantined" if peer["errant"] else "",
        f"has {peer['has_more']}, which is not here" if peer["has_more"] else "",
    ]
    return f"{said}{':' if peer['age'] <= HEARD else '; its last words:'} {', '.join(filter(None, traits))}."


def _if_the_writer_failed(config: Config, own: Answer) -> str:
    if own["writer"]:
        if own["not_redundant"]:
            return f"If it failed now, nobody could take over without loss: {own['not_redundant']}"
        standbys = [peer["name"] for peer in own["peers"]
                    if peer["eligible"] and peer["age"] is not None and peer["age"] <= HEARD]
        return f"If it failed now, {' or '.join(standbys)} would take over." if standbys else \
            "If it failed now, nobody would take over."
    if not own["eligible"]:
        return "If the writer failed now, this instance would not take over."
    if config.takeover == "read_only":
        return "If the writer failed now, the VIP could come here, read-only until somebody runs mysql-ha promote."
    return "If the writer failed now, this instance could take over, once everything that it has received is applied."


def losses(own: Answer, answers: list[Answer]) -> list[str]:
    """What a promotion that accepts the loss of data would cost, as far as this instance knows; one sentence each."""
    lines = []
    last = own["last_writer"]
    if last["has_more"]:
        lines.append(f"{last['name']}, the last writer, had {last['has_more']}, which is not here and would be lost.")
    elif last["name"]:
        lines.append(f"Everything that {last['name']}, the last writer, was heard to have is here"
                     " (what it acknowledged after it was last heard is not known).")
    lines += [f"{peer['name']} has {peer['has_more']}, which is not here." for peer in own["peers"] if peer["has_more"]]
    lines += [
        f"{answer['instance']} does not answer ({answer['error']}): what only it has is not known and would be lost."
        for answer in answers if "error" in answer and answer["role"] == "candidate"
    ]
    if own["errant"]:
        lines.append(f"The transactions {own['errant']}, which only this instance has, would become the cluster's;"
                     " every other member must then be provisioned anew.")
    return lines or ["Nothing is known to be lost."]
