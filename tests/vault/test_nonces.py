"""No nonce is drawn twice under one key, also by processes that were forked after the key was loaded."""

from __future__ import annotations

import multiprocessing
from typing import Any

from vault.primitives import NONCE_BYTES, Aead, random_key

PROCESSES = 4
EACH = 250_000


def draw(aead: Aead, answer: Any) -> None:
    answer.send_bytes(b"".join(aead.encrypt(b"", b"")[:NONCE_BYTES] for _ in range(EACH)))
    answer.close()


def test_no_pair_of_key_and_nonce_repeats_in_a_million_records_over_forks() -> None:
    aead = Aead(random_key())
    aead.encrypt(b"before the fork", b"")
    context = multiprocessing.get_context("fork")
    seen: set[bytes] = set()
    processes = []
    for _ in range(PROCESSES):
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=draw, args=(aead, send), daemon=True)
        process.start()
        send.close()
        processes.append((process, receive))
    for process, receive in processes:
        drawn = receive.recv_bytes()
        process.join()
        seen.update(drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES))
    assert len(seen) == PROCESSES * EACH
