#!/usr/bin/env python3
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes and removes the lab's hosts, which behave like freshly installed Debian machines."""

from __future__ import annotations

import argparse
import shutil
import sys

import engine
import hosts
import image
import lab_inventory
from shell import CACHE, LabError, alone, say


def up(arguments: argparse.Namespace) -> None:
    wanted = lab_inventory.load(arguments.inventory)
    with alone():
        engine.ensure()
        hosts.up(wanted, {host.key: image.ensure(host) for host in wanted.hosts}, arguments.fresh)


def down(arguments: argparse.Namespace) -> None:
    with alone():
        _down(arguments)


def _down(arguments: argparse.Namespace) -> None:
    if not engine.answers():
        say("no Docker engine answers, so there is no lab")
        return
    if arguments.inventory:
        hosts.remove(lab_inventory.load(arguments.inventory).keys)
        return
    hosts.remove_all()
    if arguments.all:
        image.remove_all()
    if pid := engine.started_here():
        say(f"the Docker engine that the lab started is left running (PID {pid})")
    elif arguments.all:
        shutil.rmtree(CACHE, ignore_errors=True)
    say("the lab is gone")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    verb = verbs.add_parser("up", help="make the hosts of the inventories' group `lab`, and start those that are off")
    verb.add_argument(
        "-i", "--inventory", action="append", required=True, help="inventory (may be given several times)"
    )
    verb.add_argument("--fresh", action="store_true", help="make them anew: bare hosts, empty data directories")
    verb.set_defaults(action=up)

    verb = verbs.add_parser("down", help="remove all containers, volumes and networks of the lab")
    only = verb.add_mutually_exclusive_group()
    only.add_argument("-i", "--inventory", action="append", help="remove only the hosts of this inventory")
    only.add_argument("--all", action="store_true", help="remove the lab's images too")
    verb.set_defaults(action=down)

    verb = verbs.add_parser("status", help="list the lab's hosts")
    verb.set_defaults(action=lambda _arguments: hosts.status())

    verb = verbs.add_parser("power-off", help="cut a host's power (SIGKILL to all its processes)")
    verb.add_argument("host", help="machine key: the container's name without `mha-`")
    verb.set_defaults(action=lambda arguments: hosts.power_off(arguments.host))

    verb = verbs.add_parser("power-on", help="switch a host on and wait until it has booted")
    verb.add_argument("host")
    verb.set_defaults(action=lambda arguments: hosts.power_on(arguments.host))

    verb = verbs.add_parser("stall", help="let a host's disk (lab_disk) take no write for so long, or until SIGTERM")
    verb.add_argument("host")
    verb.add_argument("seconds", type=float)
    verb.set_defaults(action=lambda arguments: hosts.stall(arguments.host, arguments.seconds))

    arguments = parser.parse_args()
    try:
        arguments.action(arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
