# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One connection to an agent, over real sockets."""

from __future__ import annotations

import socket
import time

import pytest

from mysql_ha_agent.link import LARGEST_ANSWER, Link
from unit.agent.sockets import Impostor, flood, free_port, http, saying, tidy

clean = pytest.fixture(autouse=True)(tidy)


class TestLink:
    def test_one_connection_for_many_questions(self) -> None:
        port = free_port()
        connections = [0]

        def answer(connection: socket.socket) -> None:
            connections[0] += 1
            while connection.recv(1000):
                connection.sendall(http(b"{}"))

        Impostor(port, answer)
        link = Link("127.0.0.1", port)
        assert [link.get("/", 1.0) for _time in range(5)] == [b"{}"] * 5
        assert connections == [1]
        link.close()

    def test_a_connection_that_was_closed_meanwhile_is_opened_anew(self) -> None:
        port = free_port()
        Impostor(port, saying(http(b"{}")))
        link = Link("127.0.0.1", port)
        assert link.get("/", 1.0) == b"{}"
        time.sleep(0.7)
        assert link.get("/", 1.0) == b"{}"
        link.close()

    def test_the_other_sees_the_address_that_was_asked_for(self) -> None:
        port = free_port()
        with socket.create_server(("127.0.0.1", port)) as listener:
            link = Link("127.0.0.1", port, "127.0.0.5")
            with pytest.raises(TimeoutError):
                link.get("/", 0.2)
            connection, address = listener.accept()
            connection.close()
        assert address[0] == "127.0.0.5"

    def test_an_answer_that_is_just_not_too_large(self) -> None:
        port = free_port()
        Impostor(port, saying(http(b"x" * LARGEST_ANSWER)))
        link = Link("127.0.0.1", port)
        assert len(link.get("/", 2.0)) == LARGEST_ANSWER
        link.close()

    def test_an_answer_without_end(self) -> None:
        port = free_port()
        Impostor(port, flood)
        with pytest.raises(ValueError, match="too large"):
            Link("127.0.0.1", port).get("/", 3.0)

    def test_a_body_that_says_that_it_is_too_large(self) -> None:
        port = free_port()
        Impostor(port, saying(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"))
        with pytest.raises(ValueError, match="too large"):
            Link("127.0.0.1", port).get("/", 3.0)
