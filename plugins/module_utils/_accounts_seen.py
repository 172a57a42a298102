# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of mysql.user -> accounts, and how good their passwords are. Hashes go in, never out."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from typing import Any

Facts = dict[str, Any]
Row = Mapping[str, Any]
WELL_KNOWN = (
    "123456", "password", "root", "mysql", "admin", "1111", "12345678", "repl", "slave", "replication", "test",
    "P@ssw0rd", "Password123", "123456789", "12345", "1234", "qwerty", "secret", "toor", "changeme", "Abc123!@#",
)  # fmt: skip
MOST = 10000  # accounts
KNOWN = "well_known"
# What a column of mysql.user is called in GRANT where that is not its name in capitals.
_PRIVILEGES = {
    "repl_slave": "REPLICATION SLAVE", "repl_client": "REPLICATION CLIENT", "grant": "GRANT OPTION",
    "show_db": "SHOW DATABASES", "create_tmp_table": "CREATE TEMPORARY TABLES",
}  # fmt: skip
_BASE64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BY_HASH = ("", "mysql_native_password", "mysql_old_password", "caching_sha2_password", "sha256_password", "ed25519")


def accounts(
    rows: Iterable[Row], more: Iterable[Row], locked: Iterable[Row] = (), seconds: float = 0.8
) -> list[Facts]:
    """As replication_info documents them.

    `more`: privileges that have no column, as grantee (quoted) and priv. `locked`: accounts that are locked without a
    column that says so. Guessing takes `seconds` at most: the hashes
    of MySQL 8 are made to be slow, and what was not tried in time counts as set.
    """
    granted: dict[str, set[str]] = {}
    for row in more:
        granted.setdefault(str(row.get("grantee")), set()).add(str(row.get("priv")).upper())
    shut = {(str(row.get("user")), str(row.get("host"))) for row in locked}
    found: list[Facts] = []
    hashes: list[tuple[Facts, str]] = []
    for row in list(rows)[:MOST]:
        user, host = str(row.get("user") or ""), str(row.get("host") or "")
        if str(row.get("is_role", "N")) == "Y":
            continue
        privileges = {
            _PRIVILEGES.get(name[:-5], name[:-5].upper().replace("_", " "))
            for name, value in row.items()
            if name.endswith("_priv") and str(value) == "Y"
        }
        password, stored = _stored(row)
        account = {
            "user": user,
            "host": host,
            "plugin": str(row.get("plugin") or ""),
            "privileges": sorted(privileges | granted.get(f"'{user}'@'{host}'", set()) - {"USAGE"}),
            # A role of MySQL is a locked account without a password.
            "locked": str(row.get("account_locked") or "N") == "Y" or (user, host) in shut,
            "tls": str(row.get("ssl_type") or "") != "",
            "password": password,
        }
        found.append(account)
        if stored and not account["locked"]:
            hashes.append((account, stored))
    _guess(hashes, time.monotonic() + seconds)
    return found


def _stored(row: Row) -> tuple[str | None, str]:
    """What is known of a password at once, and its hash."""
    # Before 5.7 `password`; MariaDB from 10.4 on has both, and `password` may be NULL.
    stored = _plain(row.get("hexed")) or str(row.get("authentication_string") or row.get("password") or "")
    if str(row.get("plugin") or "") not in _BY_HASH:
        return None, ""
    return ("set" if stored else "empty"), stored


def _plain(hexed: Any) -> str:
    try:
        return bytes.fromhex(str(hexed or "")).decode("latin-1")
    except ValueError:
        return ""


def _guess(hashes: list[tuple[Facts, str]], until: float) -> None:
    """Word by word, so that the time goes to the likeliest words of all accounts."""
    for word in ("", *WELL_KNOWN):
        for account, stored in hashes:
            tried = word or account["user"]
            if time.monotonic() > until:
                return
            if tried and account["password"] != KNOWN and _matches(tried, stored):
                account["password"] = KNOWN


def _matches(word: str, stored: str) -> bool:
    if stored.startswith("*") and len(stored) == 41:
        return hmac.compare_digest(native(word), stored.upper())
    if stored.startswith("$A$") and len(stored) > 27:
        salt = stored[7:27]
        try:
            rounds = int(stored[3:6], 16) * 1000
        except ValueError:
            return False
        return 0 < rounds <= 10000 and hmac.compare_digest(
            sha256_crypt(word.encode(), salt.encode("latin-1", "replace"), rounds), stored[27:]
        )
    return False


def native(word: str) -> str:
    """As mysql_native_password stores it."""
    inner = hashlib.sha1(word.encode()).digest()  # noqa: S324 - this is what the server does
    return f"*{hashlib.sha1(inner).hexdigest().upper()}"  # noqa: S324


def sha256_crypt(word: bytes, salt: bytes, rounds: int) -> str:
    """The 43 characters of SHA-crypt with SHA-256, which caching_sha2_password stores behind its salt of 20 bytes."""

    def repeated(digest: bytes, length: int) -> bytes:
        return (digest * (length // 32 + 1))[:length]

    other = hashlib.sha256(word + salt + word).digest()
    first = hashlib.sha256(word + salt + repeated(other, len(word)))
    bits = len(word)
    while bits:
        first.update(other if bits & 1 else word)
        bits >>= 1
    digest = first.digest()
    password = repeated(hashlib.sha256(word * len(word)).digest(), len(word))
    salted = repeated(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        whole = password if number & 1 else digest
        if number % 3:
            whole += salted
        if number % 7:
            whole += password
        digest = hashlib.sha256(whole + (digest if number & 1 else password)).digest()
    text = []
    for one, two, three in [(n * 21 % 30, (n * 21 + 10) % 30, (n * 21 + 20) % 30) for n in range(10)]:
        text.append(_encoded(digest[one] << 16 | digest[two] << 8 | digest[three], 4))
    return "".join([*text, _encoded(digest[31] << 8 | digest[30], 3)])


def _encoded(value: int, length: int) -> str:
    return "".join(_BASE64[value >> 6 * place & 63] for place in range(length))
