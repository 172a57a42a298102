# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How good passwords are, told from hashes that stay on the host."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._accounts_seen import accounts, native, sha256_crypt

SALT = "aBcDeFgHiJkLmNoPqRsT"


def caching_sha2(word: str) -> str:
    return f"$A$005${SALT}{sha256_crypt(word.encode(), SALT.encode(), 5000)}"


def test_sha_crypt_is_that_of_its_specification() -> None:
    # openssl passwd -5
    assert sha256_crypt(b"123456", b"abcdefgh", 5000) == "eMsNCP.gxGD7n8a1MUsIia7AmQjJx6PHM9WZO1dafBA"
    assert sha256_crypt(b"Hello world!", b"saltstring", 5000) == "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"


@pytest.mark.parametrize(
    ("plugin", "stored", "user", "quality"),
    [
        ("mysql_native_password", native("repl"), "repl", "well_known"),
        ("mysql_native_password", native("Zq8-long"), "repl", "set"),
        ("caching_sha2_password", caching_sha2("shop"), "shop", "well_known"),
        ("caching_sha2_password", caching_sha2("123456"), "shop", "well_known"),
        ("caching_sha2_password", caching_sha2("Zq8-long"), "shop", "set"),
        ("caching_sha2_password", "$A$zzz$" + "x" * 63, "shop", "set"),
        ("caching_sha2_password", "$A$fff$" + "x" * 63, "shop", "set"),  # rounds without end
        ("caching_sha2_password", "", "shop", "empty"),
        ("", "", "root", "empty"),
        ("auth_socket", "", "root", None),
    ],
)
def test_quality(plugin: str, stored: str, user: str, quality: str | None) -> None:
    row = {"user": user, "host": "%", "plugin": plugin, "authentication_string": stored}
    (account,) = accounts([row], [], seconds=60.0)
    assert account["password"] == quality
    assert not stored or stored not in json.dumps(account)


def test_a_hash_with_control_characters() -> None:
    salt = "aB\x01D\x1fFgHiJkLmNoPqRsT"
    stored = f"$A$005${salt}{sha256_crypt(b'123456', salt.encode(), 5000)}"
    row = {"user": "a", "host": "%", "plugin": "caching_sha2_password", "authentication_string": "garbled"}
    (account,) = accounts([{**row, "hexed": stored.encode().hex()}], [], seconds=60.0)
    assert account["password"] == "well_known"


def test_no_time_to_guess() -> None:
    row = {"user": "a", "host": "%", "plugin": "mysql_native_password", "authentication_string": native("a")}
    assert accounts([row], [], seconds=-1.0)[0]["password"] == "set"


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["user", "host", "plugin", "authentication_string", "super_priv", "is_role"]),
                       st.one_of(st.none(), st.text(max_size=90))))  # fmt: skip
def test_odd_rows(row: dict[str, str | None]) -> None:
    accounts([row], [row], [row], 0.05)
