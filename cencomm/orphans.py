"""Children that do not outlive the process that started them, even when it was killed without a word."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what a child must run before its program: the kernel then sends it `number` when the parent dies.

    On Linux only; elsewhere it does nothing, and the next start clears what was left. The parent's thread that
    starts the child must be its main thread: the kernel watches the thread.
    """
    parent = os.getpid()

    def arrange() -> None:
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, int(number))
            if os.getppid() != parent:  # it died in between
                os._exit(1)

    return arrange


def stay_with_parent(number: signal.Signals) -> None:
    """Arrange the same for this process, which runs already: to become another user undoes it."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, int(number))
