# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The thread that watches mysqld goes on whatever peers, mysqld or PyMySQL come up with."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from mysql_ha_agent import watch as module
from mysql_ha_agent.clock import now
from mysql_ha_agent.lib._connection import MysqlError
from mysql_ha_agent.model import Comparison
from mysql_ha_agent.mysqld import process_behind
from mysql_ha_agent.watch import RECONNECT_AFTER, Holding, Watch
from unit.agent.world import CONFIG, config

MOST = 5
SETS = {"b": Holding("v:1", "v"), "r": Holding("nonsense", "w")}


class Enough(BaseException):
    """Ends a thread's endless loop."""


class FakeSession:
    lock: ClassVar[dict[str, Any]] = {}

    def row(self, sql: str, args: Any = None) -> dict[str, Any]:
        if "metadata_locks" in sql:
            return self.lock
        return {"executed": "u:1-9", "pending": "", "owned": "", "relay": 1, "flushes": 1, "closed": 1,
                "acknowledges": 1}

    def value(self, sql: str, args: Any = None) -> Any:
        return "110"

    def run(self, sql: str, args: Any = None) -> list[Any]:
        return []

    def close(self) -> None:
        return


class FakeSessions(dict[str, FakeSession]):
    trouble = ""

    def lacks(self) -> str:
        return self.trouble


class FakeInstance:
    """In the place of Instance: nine logins that cost nothing."""

    made = 0

    def __init__(self, *arguments: Any) -> None:
        if FakeInstance.made >= MOST:
            raise Enough
        FakeInstance.made += 1
        self.sessions = FakeSessions(watch=FakeSession())
        self.process = SimpleNamespace(pid=1, alive=lambda: True, ends=lambda within: False)
        self.dialect = SimpleNamespace(version="9.7.4")
        self.uuid, self.semi_sync_source, self.semi_sync_replica = "u", None, None

    def find_semi_sync(self) -> None:
        return

    def renew_watch(self) -> bool:
        return False

    def stops(self) -> bool:
        return False

    def make_room(self) -> None:
        return

    def ended(self, seconds: float, woken: int) -> bool:
        return False

    def read_events(self) -> Any:
        return SimpleNamespace(wait=False, scheduler=None, disabled=())

    def close(self) -> None:
        return


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeInstance.made = 0
    monkeypatch.setattr(module, "Instance", FakeInstance)
    monkeypatch.setattr(module, "read_channels_of", lambda session: [])


def refuses(wrong: Callable[[str], bool], error: MysqlError) -> Callable[..., Comparison]:
    def compare(session: Any, own: Any, holding: Holding) -> Comparison:
        if wrong(holding.held):
            raise error
        return Comparison(holding.held, "", "", False)

    return compare


@pytest.mark.usefixtures("fakes")
class TestComparison:
    def test_a_set_that_mysqld_does_not_take_costs_that_comparison_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        malformed = MysqlError("Malformed GTID set specification 'nonsense'.", 1772)
        monkeypatch.setattr(module, "compare", refuses(lambda theirs: theirs == "nonsense", malformed))
        watch, instance = Watch(CONFIG, lambda: None, lambda: SETS), FakeInstance()
        watch.instance = instance  # type: ignore[assignment]
        watch.read(instance, instance.sessions["watch"])  # type: ignore[arg-type]
        server = watch.seen().server
        assert server is not None
        assert now() - server.detailed < 1
        assert [name for name, _comparison in server.comparisons] == ["b"]

    @pytest.mark.parametrize("number", [None, 0, 2013])
    def test_a_lost_session_is_no_malformed_set(self, monkeypatch: pytest.MonkeyPatch, number: int | None) -> None:
        monkeypatch.setattr(module, "compare", refuses(lambda theirs: True, MysqlError("it is gone", number)))
        watch, instance = Watch(CONFIG, lambda: None, lambda: SETS), FakeInstance()
        with pytest.raises(MysqlError, match="it is gone"):
            watch.read(instance, instance.sessions["watch"])  # type: ignore[arg-type]

    def test_who_has_locked_all_tables_and_since_when(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "compare", refuses(lambda theirs: False, MysqlError("")))
        monkeypatch.setattr(module, "DETAILS_EVERY", 0.0)
        clock = [10.0]
        monkeypatch.setattr(module, "now", lambda: clock[0])
        watch, instance = Watch(CONFIG, lambda: None, lambda: SETS), FakeInstance()
        watch.instance = instance  # type: ignore[assignment]
        seen = []
        backup = {"id": 7, "user": "backup", "host": "localhost"}
        root = {"id": 8, "user": "root", "host": "localhost"}
        for lock in ({}, backup, backup, root, {}):
            clock[0] += 1
            monkeypatch.setattr(FakeSession, "lock", lock)
            watch.read(instance, instance.sessions["watch"])  # type: ignore[arg-type]
            server = watch.seen().server
            assert server is not None
            seen.append((server.locked_by, server.locked_since))
        assert seen == [
            ("", None), ("connection 7 of backup@localhost", 12.0), ("connection 7 of backup@localhost", 12.0),
            ("connection 8 of root@localhost", 14.0), ("", None)]

    def test_what_fails_at_every_look_is_no_storm_of_logins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "compare", refuses(lambda theirs: True, MysqlError("it is gone", 2013)))
        slept: list[float] = []
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=slept.append))
        with pytest.raises(Enough):
            Watch(CONFIG, lambda: None, lambda: SETS)._watch()
        assert slept == [RECONNECT_AFTER] * MOST


class Stranger:
    """In the place of Process."""

    def __init__(self, lives: bool) -> None:
        self.lives, self.closed = lives, False

    def alive(self) -> bool:
        return self.lives

    def close(self) -> None:
        self.closed = True


@pytest.mark.usefixtures("fakes")
def test_a_stranger_that_is_met_no_more_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = [Stranger(lives=False), Stranger(lives=True)]
    coming = iter(strangers)
    monkeypatch.setattr(module, "process_behind", lambda path, timeout: next(coming))
    watch = Watch(CONFIG, lambda: None, lambda: SETS)
    for _time in range(3):
        watch._meet("access denied", answered=False)
    assert [stranger.closed for stranger in strangers] == [True, False]
    assert watch._connect() is not None
    assert strangers[1].closed


@pytest.mark.usefixtures("fakes")
def test_somebody_who_accepts_nobody_is_somebody(tmp_path: Path) -> None:
    """A hung mysqld must not count as down: it may be open for writes."""
    path = str(tmp_path / "s")
    watch = Watch(config(socket=path, hang_timeout=0.3), lambda: None, lambda: SETS)
    watch._meet("timed out", answered=False)
    assert not watch.seen().alive
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(path)
        listener.listen(0)
        waiting.connect(path)
        with pytest.raises(OSError, match=r".*"):
            process_behind(path, 0.3)
        watch._meet("timed out", answered=False)
        assert watch.seen().alive
    watch._meet("timed out", answered=False)
    assert not watch.seen().alive
