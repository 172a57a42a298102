# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module vip_info reads."""

from __future__ import annotations

import functools
import ipaddress
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import _vip
from ._keepalived_daemon import config_file
from ._keepalived_model import describe
from ._keepalived_reader import DEFAULT, Reader
from ._neighbour import holders


def described(reader: Reader, path: str, arguments: list[str]) -> dict[str, Any] | None:
    if not os.path.exists(path):
        return None
    whole = reader.configuration(path, reader.installed()[1], arguments)
    return None if whole is None else describe(whole.statements)


ATONCE = 16

SPEC: dict[str, Any] = {
    "vips": {"type": "list", "elements": "str"},
    "states": {"type": "dict", "default": {}},
    "probe": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 0.3},
    "config": {"type": "path"},
}


def gather(module: AnsibleModule) -> dict[str, Any]:
    try:
        given = None if module.params["vips"] is None else [_vip.parse_vip(text) for text in module.params["vips"]]
        states = {_vip.parse_vip(address): state for address, state in module.params["states"].items()}
    except ValueError as error:
        module.fail_json(msg=f"vips, states: {error}")
    reader = Reader(module)
    running, daemon = reader.daemon()
    addresses = reader.addresses()
    arguments = daemon.arguments if daemon else []
    path = os.path.join("/", module.params["config"] or config_file(arguments, DEFAULT))
    configuration = described(reader, path, arguments)
    known = _vip.discover(configuration, addresses, states)
    if given is not None:
        unknown: dict[str, Any] = {"sources": [], "at": None, "interface": None}
        known = {
            address: {**entry, "sources": ["given", *entry["sources"]]}
            for address in dict.fromkeys(given)
            for entry in [known.get(address, unknown)]
        }
    vips = [
        _vip.describe(address, entry, addresses, states.get(address), running) for address, entry in known.items()
    ]

    def ask(vip: dict[str, Any]) -> dict[str, Any]:
        if not (module.params["probe"] and vip["wire"]):
            return vip
        others = reader.part(
            f"asking for {vip['address']} on {vip['wire']}",
            functools.partial(holders, ipaddress.ip_address(vip["address"]), vip["wire"], module.params["timeout"]),
            None,
        )
        return vip if others is None else _vip.answered(vip, others)

    with ThreadPoolExecutor(ATONCE) as pool:  # each waits for the whole of the timeout
        vips = list(pool.map(ask, vips))
    return {"vips": vips, "problems": reader.problems}
