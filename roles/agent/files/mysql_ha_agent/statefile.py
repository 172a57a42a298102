# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent remembers across reboots: one small JSON file, replaced as a whole."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path

from .model import Durable, StateFile

VERSION = 2


class Saving:
    """The memory that is on disk, and what becomes of the attempts to write it. One thread writes, others look."""

    def __init__(self, saved: Durable, at: float) -> None:
        self.saved = saved
        self._seen = StateFile(tried=at)
        self._since: float | None = None

    def begins(self, at: float) -> None:
        self._since = at if self._since is None else self._since
        self._seen = replace(self._seen, tried=at)

    def succeeded(self, durable: Durable) -> None:
        self.saved, self._since = durable, None
        self._seen = replace(self._seen, error="")

    def failed(self, error: str) -> None:
        self._seen = replace(self._seen, error=error)

    def seen(self, at: float) -> StateFile:
        since = self._since
        return self._seen if since is None else replace(self._seen, unsaved=at - since)


def remember(path: str) -> tuple[Durable, str]:
    """The memory, and what is wrong with it. One that exists and cannot be used may have known that this instance
    lacks acknowledged writes, so it counts as left behind. The file is kept aside for people."""
    try:
        return load(path), ""
    except (OSError, ValueError) as error:
        aside = f"{path}.bad"
        with contextlib.suppress(OSError):  # a second name: until the next memory is on disk this one is met again
            Path(aside).unlink(missing_ok=True)
            os.link(path, aside)
        return Durable(left_behind=True), f"{error} (kept as {aside})" if Path(aside).exists() else str(error)


def load(path: str) -> Durable:
    """Raises OSError or ValueError; a file that does not exist yet is an empty memory."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Durable()
    except RecursionError as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(content, dict) or content.pop("version", None) != VERSION:
        raise ValueError(f"{path} is not a state file of version {VERSION}")
    try:
        durable = Durable(**content)
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from None
    for field in fields(Durable):
        value = getattr(durable, field.name)
        if type(value) is not type(field.default) or (isinstance(value, int) and value < 0):
            raise ValueError(f"{path}: {field.name} is {value!r}")
    return durable


def save(path: str, durable: Durable) -> None:
    """Returns when it is on disk. Raises OSError."""
    target = Path(path)
    fresh = target.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump({"version": VERSION, **asdict(durable)}, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
