# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks agents on behalf of the command mysql-ha."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import proxies
from .config import Config, Member, Proxy
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


def ask_everybody(config: Config) -> tuple[list[dict[str, Any]], list[proxies.View]]:
    """The members as `ask_all`, and what each proxy thinks of them."""
    with ThreadPoolExecutor(len(config.members) + len(config.proxies)) as pool:
        views = pool.map(lambda proxy: _ask_proxy(config.cluster, proxy), config.proxies)
        return list(pool.map(_ask_member, config.members)), list(views)


def _ask_proxy(cluster: str, proxy: Proxy) -> proxies.View:
    link = Link(str(proxy.address), proxy.port)
    try:
        return {"proxy": proxy.name, **proxies.parse(link.get(f"/{cluster}", BOUND))}
    except ConnectionRefusedError:
        return {"proxy": proxy.name, "error": "no HAProxy runs there"}
    except (OSError, ValueError) as error:
        return {"proxy": proxy.name, "error": str(error)}
    finally:
        link.close()


def _ask_member(member: Member) -> dict[str, Any]:
    try:
        return ask(member.name, str(member.address), member.agent_port)
    except NoAnswer as error:
        return {"instance": member.name, "role": member.role, "error": str(error)}
