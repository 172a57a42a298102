# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that mysqld does not know, by its own list of options."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._server_options import mistakes, read_options

ROOT = Path(__file__).parents[3]
# Lines of `mysqld --verbose --help`, 9.7.4.
HELP = """\
mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))
Usage: mysqld [OPTIONS]

The following options may be given as the first argument:
--no-defaults           Don't read default options from any option file,
                        except for login file.

  -C, --character-set-server=name
                      Set the default character set.
  --default-time-zone=name
                      Set the default time zone.
  --innodb-buffer-pool-size=#
                      The size of the memory buffer InnoDB uses to cache data
                      (Defaults to on; use --skip-nothing-of-the-kind to disable.)
  --innodb-flush-log-at-trx-commit[=#]
                      Set to 0 (write and flush once per second), 1 (write and
  --max-connections=# The number of simultaneous clients allowed
  --performance-schema-instrument[=name]
                      Default startup value for a performance schema
  --replicate-do-db=name
                      Make replication applier threads apply only changes to
  --skip-name-resolve Don't resolve hostnames. All hostnames are IP's or
  --slow-query-log    Log slow queries to a table or log file. Defaults logging
  --wait-timeout=#    The number of seconds the server waits for activity on a
"""
PLUGINS = """\
  --clone-max-concurrency=#
                      Maximum number of concurrent threads for clone
  --rpl-semi-sync-source-trace-level[=#]
                      The tracing level for semi-sync replication.
"""
VARIABLES = """
Variables (--variable-name=value)
and boolean options {FALSE|TRUE}                             Value (after reading options)
------------------------------------------------------------ -------------
max-connections                                              151
"""
OPTIONS = read_options(HELP + VARIABLES)
WITH_PLUGINS = read_options(HELP + PLUGINS + VARIABLES)
PLUGIN = "write loose_{}: a plugin brings it, and mysqld makes its data directory without plugins"
UNKNOWN = "remove it, or write loose_{} where a plugin or component brings it"


def test_the_list_is_read() -> None:
    assert {
        "character_set_server", "default_time_zone", "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit",
        "max_connections", "performance_schema_instrument", "replicate_do_db", "skip_name_resolve", "slow_query_log",
        "wait_timeout",
    } == OPTIONS  # fmt: skip
    assert {"clone_max_concurrency", "rpl_semi_sync_source_trace_level"} == WITH_PLUGINS - OPTIONS


@pytest.mark.parametrize(
    "name",
    [
        "max_connections", "max-connections", "innodb_buffer-pool-size", "replicate_do_db", "skip-name-resolve",
        "skip_slow_query_log", "disable-slow-query-log", "enable_slow_query_log", "maximum-wait-timeout",
        "loose_max_connections", "loose-rpl-semi-sync-source-trace-level", "loose_clone_max_concurrency",
        "loose_audit_log_format", "loose_skip_slow_query_log", "loose_validate_password.policy",
    ],
)  # fmt: skip
def test_what_mysqld_takes(name: str) -> None:
    for initialize in (False, True):
        assert mistakes([name], OPTIONS, WITH_PLUGINS, initialize) == []


@pytest.mark.parametrize("name", ["rpl_semi_sync_source_trace_level", "clone-max-concurrency"])
def test_a_server_with_data_takes_what_its_plugins_bring(name: str) -> None:
    assert mistakes([name], OPTIONS, WITH_PLUGINS, initialize=False) == []


def test_the_name_that_was_meant_is_one_that_mysqld_takes() -> None:
    (mistake,) = mistakes(["clone_max_concurency"], OPTIONS, WITH_PLUGINS, initialize=False)
    assert mistake.fix == "did you mean clone_max_concurrency?"


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("max_conections", "did you mean max_connections?"),
        ("max-conections", "did you mean max_connections?"),
        ("Max_Connections", "did you mean max_connections?"),
        ("max_connection", "did you mean max_connections?"),  # mysqld takes no shortened name
        ("innodb_buffer_pool", "did you mean innodb_buffer_pool_size?"),
        ("skip_slow_query_lgo", "did you mean slow_query_log?"),
        ("time_zone", "did you mean default_time_zone?"),  # a variable, but no option
        ("rpl_semi_sync_source_trace_level", PLUGIN.format("rpl_semi_sync_source_trace_level")),
        ("rpl_semi_sync_source_trace_levl", "did you mean loose_rpl_semi_sync_source_trace_level?"),
        ("clone-max-concurrency", PLUGIN.format("clone_max_concurrency")),
        ("loose_max_conections", "did you mean loose_max_connections?"),
        ("loose-clone-max-concurency", "did you mean loose_clone_max_concurrency?"),
        ("validate_password.policy", UNKNOWN.format("validate_password.policy")),
        ("query_cache_type", UNKNOWN.format("query_cache_type")),
    ],
)
def test_what_mysqld_refuses(name: str, fix: str) -> None:
    (mistake,) = mistakes([name], OPTIONS, WITH_PLUGINS, initialize=True)
    assert (mistake.name, mistake.fix) == (name, fix)


def ask(program: Path, **arguments: object) -> dict[str, object]:
    asked = {"program": str(program), **arguments}
    run = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "adhoc", "localhost", "-i", "localhost,", "-c", "local", "-o"),
            *("-m", "opendba.mysql_ha.server_options_info", "-a", json.dumps(asked), "--check"),
            *("-e", "ansible_python_interpreter={{ ansible_playbook_python }}"),
        ],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return dict(json.loads(run.stdout.split("=>", 1)[1]))


def mysqld(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_module_asks_the_program(tmp_path: Path) -> None:
    (tmp_path / "help").write_text(HELP)
    (tmp_path / "plugins").write_text(PLUGINS)
    program = mysqld(
        tmp_path / "mysqld",
        f'test "$1" = --no-defaults || exit 1; cat {tmp_path}/help; '
        f'case "$2" in *=semisync_source.so) cat {tmp_path}/plugins;; *=missing.so) exit 1;; esac',
    )
    settings = ["wait_timeout", "max_conections", "rpl_semi_sync_source_trace_level"]
    found = ask(program, settings=settings, plugins=["semisync_source.so"], initialize=True)
    assert (found["changed"], found["version"]) == (False, "9.7.4-2")
    assert found["mistakes"] == [
        {"name": "max_conections", "fix": "did you mean max_connections?"},
        {"name": settings[2], "fix": PLUGIN.format(settings[2])},
    ]
    # A plugin that is not there leaves the server's own options.
    found = ask(program, settings=settings[:2], plugins=["missing.so"])
    assert found["mistakes"] == [{"name": "max_conections", "fix": "did you mean max_connections?"}]


def test_a_program_that_does_not_answer(tmp_path: Path) -> None:
    program = mysqld(tmp_path / "mysqld", "echo 'libaio.so.1: cannot open shared object file' >&2; exit 127")
    assert ask(program, settings=["x"])["msg"] == (
        f"{program} does not list its options: libaio.so.1: cannot open shared object file"
    )
