"""Wrong tokens of an address, counted in this process: nobody asks the database about them without end.

It spares work and keeps no secret: a token is 256 random bits, whoever tries. So many networks are remembered; who
comes from more pushes out counts of his own, and gains what still more networks would give. To hold up whoever is
not remembered instead would let him shut out all who come with a new token. Such floods are for the proxy.
What must not live here: passwords and codes; their failures are counted in the database (`actions.sign_in`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from accounts.networks import network_of
from accounts.secrets import token_hash

WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 1000
MOST_TOKENS = 10_000


class Tries:
    """How often an address came with a wrong token lately; of IPv6 a whole network is one (`networks`)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return how long an address must wait, 0 when it may try."""
        network = network_of(address)
        with self._lock:
            since, count = self._wrong.get(network, (0.0, 0))
            return max(0.0, since + WINDOW_SECONDS - time.monotonic()) if count >= self._most else 0.0

    def note(self, address: str) -> None:
        """Count a wrong token."""
        network, now = network_of(address), time.monotonic()
        with self._lock:
            since, count = self._wrong.get(network, (now, 0))
            self._wrong[network] = (since, count + 1) if now - since < WINDOW_SECONDS else (now, 1)
            self._wrong.move_to_end(network)
            while len(self._wrong) > MOST_ADDRESSES:
                self._wrong.popitem(last=False)


class TokenTries(Tries):
    """The same, for addresses that many share: wrong tokens hold up none that was right before."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._right: OrderedDict[bytes, None] = OrderedDict()

    def wait_with(self, secret: str, address: str) -> float:
        """Return how long this token must wait at this address, 0 when it may be looked for."""
        wait = self.wait(address)
        return wait if wait and token_hash(secret) not in self._right else 0.0

    def note_with(self, secret: str, address: str, *, right: bool) -> None:
        """Remember what became of it."""
        if not right:
            self.note(address)
            return
        with self._lock:
            self._right[token_hash(secret)] = None
            self._right.move_to_end(token_hash(secret))
            while len(self._right) > MOST_TOKENS:
                self._right.popitem(last=False)


wrong_tokens = TokenTries(60)
