# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server is called, how old it is, and which words it understands. Pure; version -> SQL is data.

Shared by the modules and the agent, like every file of this directory except _module.py: no Ansible in here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, int, int]

# Newest first: the first line whose version the server has reached holds. {source} and {replica} are words themselves.
_MYSQL: dict[str, tuple[tuple[Version, str], ...]] = {
    "source": (((8, 0, 23), "SOURCE"), ((0, 0, 0), "MASTER")),
    "replica": (((8, 0, 22), "REPLICA"), ((0, 0, 0), "SLAVE")),
    "change_source": (((8, 0, 23), "CHANGE REPLICATION SOURCE TO"), ((0, 0, 0), "CHANGE MASTER TO")),
    "channel_status": (((5, 7, 0), "SHOW {replica} STATUS FOR CHANNEL %s"),),
    "start_receiver": (((5, 7, 0), "START {replica} IO_THREAD FOR CHANNEL %s"),),
    "stop_receiver": (((5, 7, 0), "STOP {replica} IO_THREAD FOR CHANNEL %s"),),
    "start_applier": (((5, 7, 0), "START {replica} SQL_THREAD FOR CHANNEL %s"),),
    "stop_applier": (((5, 7, 0), "STOP {replica} SQL_THREAD FOR CHANNEL %s"),),
    "remove_channel": (((5, 7, 0), "RESET {replica} ALL FOR CHANNEL %s"),),
    # The columns of SHOW REPLICA STATUS that tell whether everything received is applied, when there are no GTIDs.
    "received_file": (((8, 0, 22), "source_log_file"), ((0, 0, 0), "master_log_file")),
    "received_position": (((8, 0, 22), "read_source_log_pos"), ((0, 0, 0), "read_master_log_pos")),
    "applied_file": (((8, 0, 22), "relay_source_log_file"), ((0, 0, 0), "relay_master_log_file")),
    "applied_position": (((8, 0, 22), "exec_source_log_pos"), ((0, 0, 0), "exec_master_log_pos")),
}


class UnknownWord(Exception):
    """The server has no way to say this."""


@dataclass(frozen=True)
class Dialect:
    """The flavour and version of one server."""

    flavour: str  # mysql, percona or mariadb
    version: str  # as the server says it, for example 9.7.4-2
    number: Version

    def sql(self, word: str) -> str:
        """The statement or column name for `word` on this server. Raises UnknownWord."""
        if self.flavour != "mariadb":
            for since, text in _MYSQL[word]:
                if self.number >= since:
                    return text if "{" not in text else self.fill(text)
        raise UnknownWord(f"{word.replace('_', ' ')} is not known for {self.flavour} {self.version}")

    def fill(self, text: str) -> str:
        """`text` with {source} and {replica} in the server's words."""
        return text.format(source=self.sql("source"), replica=self.sql("replica"))


def parse_version(version: str, comment: str = "") -> Dialect:
    """From VERSION() and @@version_comment. Raises ValueError for what is not a version."""
    match = re.match(r"(?:5\.5\.5-)?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", version, re.ASCII)
    if match is None:
        raise ValueError(f"{version[:40]!r} is not a server version")
    words = f"{version} {comment}".lower()
    flavour = next((name for name in ("mariadb", "percona") if name in words), "mysql")
    return Dialect(flavour, version, (int(match[1]), int(match[2]), int(match[3] or 0)))


@dataclass(frozen=True)
class ChannelOption:
    """One option of CHANGE REPLICATION SOURCE TO: its name here, in SQL, and where performance_schema shows it."""

    name: str
    sql: str
    column: str
    kind: str = "str"  # str, int, bool or float
    since: Version = (5, 7, 0)
    stops: tuple[str, ...] = ("receiver",)  # the threads that must be stopped to change it


CHANNEL_OPTIONS = (
    ChannelOption("source_host", "{source}_HOST", "host"),
    ChannelOption("source_port", "{source}_PORT", "port", "int"),
    ChannelOption("source_user", "{source}_USER", "user"),
    ChannelOption("source_bind", "{source}_BIND", "network_interface"),
    ChannelOption("source_ssl", "{source}_SSL", "ssl_allowed", "bool"),
    ChannelOption("source_ssl_ca", "{source}_SSL_CA", "ssl_ca_file"),
    ChannelOption("source_ssl_capath", "{source}_SSL_CAPATH", "ssl_ca_path"),
    ChannelOption("source_ssl_cert", "{source}_SSL_CERT", "ssl_certificate"),
    ChannelOption("source_ssl_key", "{source}_SSL_KEY", "ssl_key"),
    ChannelOption("source_ssl_cipher", "{source}_SSL_CIPHER", "ssl_cipher"),
    ChannelOption("source_ssl_crl", "{source}_SSL_CRL", "ssl_crl_file"),
    ChannelOption("source_ssl_crlpath", "{source}_SSL_CRLPATH", "ssl_crl_path"),
    ChannelOption("source_ssl_verify", "{source}_SSL_VERIFY_SERVER_CERT", "ssl_verify_server_certificate", "bool"),
    ChannelOption("source_tls_version", "{source}_TLS_VERSION", "tls_version", since=(5, 7, 10)),
    ChannelOption("source_tls_ciphersuites", "{source}_TLS_CIPHERSUITES", "tls_ciphersuites", since=(8, 0, 19)),
    ChannelOption("get_public_key", "GET_{source}_PUBLIC_KEY", "get_public_key", "bool", since=(8, 0, 4)),
    ChannelOption("public_key_path", "{source}_PUBLIC_KEY_PATH", "public_key_path", since=(8, 0, 4)),
    ChannelOption("connect_retry", "{source}_CONNECT_RETRY", "connection_retry_interval", "int"),
    ChannelOption("retry_count", "{source}_RETRY_COUNT", "connection_retry_count", "int"),
    ChannelOption("heartbeat_period", "{source}_HEARTBEAT_PERIOD", "heartbeat_interval", "float"),
    ChannelOption(
        "compression_algorithms", "{source}_COMPRESSION_ALGORITHMS", "compression_algorithm", since=(8, 0, 18)
    ),
    ChannelOption("auto_position", "{source}_AUTO_POSITION", "auto_position", "bool", stops=("receiver", "applier")),
    ChannelOption(
        "require_row_format", "REQUIRE_ROW_FORMAT", "require_row_format", "bool", (8, 0, 19), ("receiver", "applier")
    ),
    ChannelOption("gtid_only", "GTID_ONLY", "gtid_only", "bool", since=(8, 0, 27), stops=("receiver", "applier")),
    ChannelOption("delay", "{source}_DELAY", "desired_delay", "int", stops=("applier",)),
)
