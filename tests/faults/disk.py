"""A small disk of the suite's own, so that "the disk is full" is what the kernel says and not a pretence.

An ext4 in a file, mounted through a loop device; where there are none, a tmpfs of fixed size. Both need root and
the right to mount; without them there is no small disk, and the drill says why it leaves that fault out. An ext4
can also be told to go down at once without flushing anything: what a power cut leaves of a disk.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

EXT4 = "ext4 on a loop device"
EXT4_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32) of the kernel's ext4.h
WITHOUT_FLUSHING = 2
MEND_SECONDS = 30.0


@dataclass(slots=True)
class SmallDisk:
    """A mounted file system of a known size."""

    path: Path
    kind: str

    @property
    def ballast(self) -> Path:
        """The file that fills it."""
        return self.path / "ballast"

    def fill(self) -> None:
        """Take all the space that is left."""
        size = 1024 * 1024
        if not self.path.is_mount():  # or it would be the disk of this machine
            raise OSError(errno.ENODEV, "the disk is away")
        with self.ballast.open("ab", buffering=0) as file:
            while size >= 512:
                try:
                    while file.write(b"\0" * size):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 4

    def free(self) -> None:
        """Give the space back."""
        self.ballast.unlink(missing_ok=True)

    @property
    def forgets(self) -> bool:
        """Whether its power can be cut."""
        return self.kind == EXT4

    def cut_power(self) -> None:
        """Forget at once everything that was not flushed; nothing can be read or written until it is mended."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        finally:
            os.close(folder)

    def mend(self) -> None:
        """Mount it again, as it is after the power came back: what its journal holds is there."""
        deadline = time.monotonic() + MEND_SECONDS
        while said := _run(["umount", str(self.path)]):
            if time.monotonic() > deadline:  # somebody still lives on it
                raise OSError(errno.EBUSY, said)
            time.sleep(0.05)
        if said := _run(_mounting(self.path)):
            raise OSError(errno.EIO, said)

    def unmount(self) -> None:
        """Take the disk away."""
        subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)


def make_small_disk(path: Path, *, mib: int) -> SmallDisk | str:
    """Mount a new disk of so many MiB at `path`; return it, or why there is none."""
    if os.geteuid() != 0:
        return "only root may mount a small disk"
    path.mkdir(parents=True, exist_ok=True)
    image = _image(path)
    said = "mkfs.ext4 is not on this machine"
    if shutil.which("mkfs.ext4"):
        with image.open("wb") as file:
            file.truncate(mib * 1024 * 1024)
        make = ["mkfs.ext4", "-q", "-m", "0", "-F", str(image)]
        said = _run(make) or _run(_mounting(path))
        if not said:
            return SmallDisk(path, EXT4)
    said_too = _run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "tmpfs", str(path)])
    return f"{said}; {said_too}" if said_too else SmallDisk(path, "tmpfs")


def _image(path: Path) -> Path:
    return path.with_name(f"{path.name}.img")


def _mounting(path: Path) -> list[str]:
    return ["mount", "-o", "loop", str(_image(path)), str(path)]


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else f"{command[0]}: {done.stderr.strip()[-200:] or done.returncode}"
