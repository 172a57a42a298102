# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's data directory on a disk of its own: ext4 in a file, behind a loop device. Such a disk can be stalled."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

from shell import CACHE, LabError, run, say, succeeds

DISKS = CACHE / "disks"
SUFFIX = ".ext4"
LOOP_MAJOR = 7
FREEZE, THAW = 0xC0045877, 0xC0045878  # FIFREEZE and FITHAW of linux/fs.h
LONGEST_STALL = 60.0


def create(key: str, size: str) -> str:
    """A new, empty disk; its loop device."""
    remove(key)
    DISKS.mkdir(parents=True, exist_ok=True)
    image = _image(key)
    image.touch(mode=0o600)
    # Written out and without a second journal a flush costs what it costs on the machine's disk, 0.4 ms and not 1.3
    run("dd", "if=/dev/zero", f"of={image}", "bs=1M", f"count={size}", "iflag=count_bytes", "conv=fsync", "status=none")
    run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", image)
    run("debugfs", "-w", "-R", "rmdir lost+found", image)  # mysqld wants its directory empty
    device = run("losetup", "--find", "--show", image)
    say(f"{key}: a disk of {size}, {device}")
    return device


def attach(key: str, device: str) -> None:
    """After a restart of the machine: the disk behind the device that the host's volume names."""
    if _image(key).exists() and not _devices(key):
        run("losetup", device, _image(key))


def remove(key: str) -> None:
    for device in _devices(key):
        run("losetup", "--detach", device)
    _image(key).unlink(missing_ok=True)


def remove_all() -> None:
    """Those too whose host was never made, because a run was killed."""
    for image in DISKS.glob(f"*{SUFFIX}"):
        remove(image.stem)


def stall(key: str, process: int, mount: str, seconds: float) -> None:
    """Nothing is written to the disk any more, for so many seconds or until SIGTERM or SIGINT.

    process: a process of the host. A child thaws even if this process is killed: whoever waits for a frozen disk
    can't be ended, nor can the machine be shut down.
    """
    if not 0 < seconds <= LONGEST_STALL:
        raise LabError(f"a stall lasts up to {LONGEST_STALL:g} s")
    disk = os.open(f"/proc/{process}/root{mount}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        device = os.fstat(disk).st_dev
        backing = Path(f"/sys/dev/block/{LOOP_MAJOR}:{os.minor(device)}/loop/backing_file")
        if os.major(device) != LOOP_MAJOR or backing.read_text().strip() != str(_image(key).resolve()):
            raise LabError(f"{key}: {mount} is not on a disk that the lab made, so it is not stalled")
        reader, writer = os.pipe()
        guard = os.fork()
        if guard == 0:
            _guard(disk, reader, writer, seconds)
        os.close(reader)
        _freeze_until(disk, seconds)
        os.close(writer)
        os.waitpid(guard, 0)
    finally:
        os.close(disk)


def _guard(disk: int, reader: int, writer: int, seconds: float) -> None:
    """Thaws when the parent has ended, however it ended, or too late."""
    os.setsid()
    os.close(writer)
    signal.alarm(int(seconds) + 2)
    signal.signal(signal.SIGALRM, lambda *_arguments: _thaw_and_exit(disk))
    os.read(reader, 1)
    _thaw_and_exit(disk)


def _thaw_and_exit(disk: int) -> None:
    _thaw(disk)
    os._exit(0)


def _freeze_until(disk: int, seconds: float) -> None:
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: ended.append(1))
    deadline = time.monotonic() + seconds
    fcntl.ioctl(disk, FREEZE, 0)
    try:
        print(f"frozen {time.monotonic():.6f}", flush=True)
        while not ended and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        _thaw(disk)
        print(f"thawed {time.monotonic():.6f}", flush=True)


def _thaw(disk: int) -> None:
    try:
        fcntl.ioctl(disk, THAW, 0)
    except OSError:
        return  # it is not frozen


def _devices(key: str) -> list[str]:
    if not _image(key).exists():
        return []
    if not succeeds("losetup", "--version"):
        raise LabError("losetup: not installed")
    listing = run("losetup", "--list", "--noheadings", "--output=NAME", "--associated", _image(key))
    return listing.split()


def _image(key: str) -> Path:
    return DISKS / f"{key}{SUFFIX}"
