# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks agents on behalf of the command mysql-ha."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .config import Config, Member
from .link import Link
from .peers import parse

BOUND = 1.0  # seconds for a whole answer


class NoAnswer(Exception):
    """The agent does not answer, or not as an agent does."""


def ask(name: str, address: str, port: int) -> dict[str, Any]:
    """An agent's /status. Raises NoAnswer."""
    link = Link(address, port)
    try:
        body = link.get("/status", BOUND)
        parse(name, body)
        return dict(json.loads(body))
    except ConnectionRefusedError:
        raise NoAnswer("no agent runs there") from None
    except (OSError, ValueError) as error:
        raise NoAnswer(str(error)) from None
    finally:
        link.close()


def ask_own(config: Config) -> dict[str, Any]:
    """The agent of this instance. Raises NoAnswer."""
    return ask(config.instance, "127.0.0.1", config.agent_port)


def ask_all(config: Config) -> list[dict[str, Any]]:
    """Every member's /status, in their order; `instance`, `role` and `error` of one that does not answer."""
    with ThreadPoolExecutor(len(config.members)) as pool:
        return list(pool.map(_ask_member, config.members))


def _ask_member(member: Member) -> dict[str, Any]:
    try:
        return ask(member.name, str(member.address), member.agent_port)
    except NoAnswer as error:
        return {"instance": member.name, "role": member.role, "error": str(error)}
