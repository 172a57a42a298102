# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""tests/why.py, on what molecule, pytest and make print."""

from __future__ import annotations

from why import MOST_CHARACTERS, why

MOLECULE = """\
  \x1b[2m│\x1b[0m TASK [opendba.mysql_ha.mysql : Start mysqld, now and at boot] ***
  \x1b[2m│\x1b[0m \x1b[32mok: [sr1]\x1b[0m
  \x1b[2m│\x1b[0m TASK [opendba.mysql_ha.mysql : Wait for the instance] ***
  \x1b[2m│\x1b[0m \x1b[31mfatal: [sr2]: FAILED! =>\x1b[0m
  \x1b[2m│\x1b[0m \x1b[31m    msg: nobody answers on the socket\x1b[0m
  \x1b[2m│\x1b[0m
  \x1b[2m│\x1b[0m PLAY RECAP ***
\x1b[31mERROR   \x1b[0m Ansible return code was 2
"""


def test_a_failed_task_is_told_with_its_name_its_host_and_its_message() -> None:
    told = why(MOLECULE)
    assert told[0].startswith("TASK [opendba.mysql_ha.mysql : Wait for the instance]")
    assert told[1].startswith("fatal: [sr2]")
    assert told[2].strip() == "msg: nobody answers on the socket"
    assert told[-1].endswith("Ansible return code was 2")
    assert not any("now and at boot" in line for line in told)


def test_a_failed_test_is_told() -> None:
    told = why("test_a.py F\nE   assert 1 == 2\nFAILED test_a.py::test_one - assert 1 == 2\n")
    assert "E   assert 1 == 2" in told
    assert told[-1].startswith("FAILED test_a.py::test_one")


def test_what_did_not_fail_is_not_told() -> None:
    assert why("TASK [one]\nok: [a]\n3 passed\n") == []


def test_the_end_of_a_long_story_is_told_in_few_lines() -> None:
    told = why("\n".join(f"E   {number} {'x' * 400}" for number in range(200)))
    assert sum(map(len, told)) <= MOST_CHARACTERS
    assert told[-1].startswith("E   199 ")
