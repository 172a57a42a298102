# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Threads that must not end silently: an agent without one of its senses would look healthy and see nothing."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

REPORT_BOUND = 1.0  # seconds: a stalled journal must not keep a process that is of no use


def start(run: Callable[..., None], name: str, *arguments: Any) -> None:
    """Runs it in a daemon thread. What nobody expected ends the process, and systemd starts it anew, which interrupts
    nothing."""
    threading.Thread(target=_guarded, args=(run, *arguments), name=name, daemon=True).start()


def _guarded(run: Callable[..., None], *arguments: Any) -> None:
    try:
        run(*arguments)
    except BaseException:
        text = f"the thread '{threading.current_thread().name}' failed, the process ends:\n{traceback.format_exc()}"
        report = threading.Thread(target=sys.stderr.write, args=(text,), daemon=True)
        report.start()
        report.join(REPORT_BOUND)
        os._exit(1)
