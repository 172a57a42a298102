# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replication channels: live rows -> facts, wanted options -> the statement that is missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ._dialect import CHANNEL_OPTIONS, ChannelOption, Dialect, UnknownWord

Row = Mapping[str, Any]
Facts = dict[str, Any]
PASSWORD = "source_password"  # noqa: S105  the name of an option
PASSWORD_LIMIT = 32  # characters that the server stores for a channel
_BY_NAME = {option.name: option for option in CHANNEL_OPTIONS}
# Quoted texts behind words of statements, and hashes: mysql_native_password's, caching_sha2_password's, it in hex.
_SECRET = re.compile(
    r"(?i:(?<=\b[BA][YS] )'[^']*(?:'|$)|(?<=PASSWORD)[ =(]{1,4}'[^']*(?:'|$))"
    r"|\*[0-9A-Fa-f]{40}|\$A\$[0-9A-Fa-f]{3}\$[^']*|0x2441243[0-9A-Fa-f]+"
)
_RECEIVER_STATES = {"ON": "Yes", "OFF": "No", "CONNECTING": "Connecting"}


def read_channels(
    configurations: Iterable[Row],
    receivers: Iterable[Row],
    applier_configurations: Iterable[Row],
    appliers: Iterable[Row],
    coordinators: Iterable[Row],
    workers: Iterable[Row],
) -> list[Facts]:
    """One dict per channel from the rows of performance_schema's replication tables.

    The rows of replication_connection_status carry two columns more: `now`, the server's UTC time, and `applied`,
    1 when gtid_executed holds all that was received.
    """
    by_channel: list[dict[str, Row]] = [
        {row["channel_name"]: row for row in rows}
        for rows in (receivers, applier_configurations, appliers, coordinators)
    ]
    worker_rows = list(workers)
    found = []
    for row in configurations:
        name = row["channel_name"]
        receiver, applier_configuration, applier, coordinator = (rows.get(name, {}) for rows in by_channel)
        own_workers = [worker for worker in worker_rows if worker["channel_name"] == name]
        columns = {**row, **applier_configuration}
        facts: Facts = {"name": name}
        facts.update({o.name: _value(o, columns[o.column]) for o in CHANNEL_OPTIONS if o.column in columns})
        facts["io_running"] = _RECEIVER_STATES.get(str(receiver.get("service_state", "OFF")), "No")
        facts["sql_running"] = "Yes" if applier.get("service_state") == "ON" else "No"
        facts["io_error"] = _error([receiver])
        facts["sql_error"] = _error(
            [*own_workers, coordinator]
        )  # a worker's error is the cause, the coordinator's its echo
        facts["source_uuid"] = receiver.get("source_uuid") or ""
        facts["received_gtid"] = one_line(receiver.get("received_transaction_set"))
        facts["received_is_applied"] = bool(receiver.get("applied", True))
        facts["lag_seconds"] = _lag(facts, receiver, coordinator, own_workers)
        found.append(facts)
    return found


def one_line(gtid_set: Any) -> str:
    """A GTID set without the line breaks that the server puts into it."""
    return "".join(str(gtid_set or "").split())


def _value(option: ChannelOption, raw: Any) -> Any:
    if option.kind == "bool":
        return str(raw).upper() not in ("NO", "0")  # IGNORED: asked for, but the server was built without TLS
    if option.kind == "int":
        return int(raw)
    if option.kind == "float":
        return round(float(raw), 3)
    return "" if raw is None else str(raw)


def _error(rows: Iterable[Row]) -> Facts:
    for row in rows:
        if row.get("last_error_number"):
            return {
                "number": int(row["last_error_number"]),
                "message": error_text(row["last_error_message"]),
            }
    return {"number": 0, "message": ""}


def error_text(said: Any) -> str:
    """What a server says of an error, in one line and without what must not leave it: the statement that failed, which
    may create an account or hold data, and hashes of passwords."""
    text, query, _statement = " ".join(str(said or "").split()).partition(" Query: '")
    return _SECRET.sub("VALUE_HIDDEN", text) + (" Query: VALUE_HIDDEN" if query else "")


def _lag(facts: Facts, receiver: Row, coordinator: Row, workers: Iterable[Row]) -> float | None:
    """Age of the oldest transaction that is here or on its way but not applied; None when the threads can't tell."""
    now = receiver.get("now")
    if facts["io_running"] != "Yes" or facts["sql_running"] != "Yes" or not isinstance(now, datetime):
        return None
    queueing = receiver.get("queueing_transaction_original_commit_timestamp")
    if facts["received_is_applied"] and not isinstance(queueing, datetime):
        return 0.0
    under_way = [worker.get("applying_transaction_original_commit_timestamp") for worker in workers]
    under_way += [coordinator.get("processing_transaction_original_commit_timestamp"), queueing]
    # A zero timestamp is not a datetime. Between two transactions the last received one is all there is to go by.
    last_received = receiver.get("last_queued_transaction_original_commit_timestamp")
    begun = [stamp for stamp in under_way if isinstance(stamp, datetime)]
    begun = begun or [stamp for stamp in [last_received] if isinstance(stamp, datetime)]
    return max(0.0, round((now - min(begun)).total_seconds(), 3)) if begun else None


@dataclass(frozen=True)
class Change:
    """What a channel lacks: the options to send, and the threads that stand in the way."""

    options: Facts
    stop_receiver: bool
    stop_applier: bool

    def discards_relay_log(self, live: Facts | None) -> bool:
        """The server throws the relay log away when it changes a channel while neither thread runs."""
        if live is None:
            return False
        receiver_stays = live["io_running"] != "No" and not self.stop_receiver
        applier_stays = live["sql_running"] == "Yes" and not self.stop_applier
        return not receiver_stays and not applier_stays


def missing(wanted: Facts, live: Facts | None, send_password: bool) -> Change | None:
    """What a live channel (None: absent) lacks of the wanted options (value None: not managed); None if nothing."""
    managed = {name: value for name, value in wanted.items() if value is not None and name in _BY_NAME}
    if live is None:
        options = dict(managed)
    else:
        options = {name: value for name, value in managed.items() if _differs(name, value, live.get(name))}
        if options.keys() & {"source_host", "source_port"} and "heartbeat_period" in managed:
            options["heartbeat_period"] = managed["heartbeat_period"]  # a new source resets the period to its default
    if send_password:
        options[PASSWORD] = wanted[PASSWORD] or ""
    if not options:
        return None
    stops = {thread for name in options for thread in _stops(name)}
    return Change(
        options,
        stop_receiver="receiver" in stops and live is not None and live["io_running"] != "No",
        stop_applier="applier" in stops and live is not None and live["sql_running"] == "Yes",
    )


def _stops(name: str) -> tuple[str, ...]:
    return ("receiver",) if name == PASSWORD else _BY_NAME[name].stops


def _differs(name: str, wanted: Any, live: Any) -> bool:
    if name == "source_host":
        return str(wanted).lower() != str(live).lower()
    if _BY_NAME[name].kind == "float":
        return bool(round(float(wanted), 3) != live)  # the server keeps milliseconds
    return bool(wanted != live)


def change_statement(dialect: Dialect, channel: str, options: Facts) -> tuple[str, list[Any]]:
    """The CHANGE statement with %s for every value, and the values. Raises UnknownWord for what the server lacks."""
    words, values = [], []
    for name, value in options.items():
        word = dialect.fill("{source}_PASSWORD") if name == PASSWORD else _word(dialect, _BY_NAME[name])
        words.append(f"{word} = %s")
        values.append(_literal(name, value))
    return f"{dialect.sql('change_source')} {', '.join(words)} FOR CHANNEL %s", [*values, channel]


def _literal(name: str, value: Any) -> Any:
    if name == "source_tls_ciphersuites" and value == "":
        return None  # the server's default; an empty list would mean none at all
    return int(value) if isinstance(value, bool) else value


def _word(dialect: Dialect, option: ChannelOption) -> str:
    if dialect.number < option.since:
        since = ".".join(map(str, option.since))
        raise UnknownWord(f"{option.name} needs MySQL {since} or later, this server is {dialect.version}")
    return dialect.fill(option.sql)


def configuration(channel: Facts | None) -> Facts:
    """The options of a channel, without what changes while it runs: what a diff shows."""
    return {name: channel[name] for name in ("name", *_BY_NAME) if name in channel} if channel else {}
