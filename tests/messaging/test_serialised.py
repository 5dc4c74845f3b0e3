"""What is remembered of a stream takes the room that it has, and no more."""

from __future__ import annotations

import ctypes

import pytest

from messaging.fresh import serialised


def test_remembered_items_hold_no_buffer_beside_themselves() -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_usable_size"):
        pytest.skip("this C library does not tell how much a block holds")
    libc.malloc_usable_size.argtypes = [ctypes.c_void_p]
    libc.malloc_usable_size.restype = ctypes.c_size_t
    item = serialised({"op": "event", "text": "x" * 1000})
    # Above 512 bytes Python's objects are blocks of the C library.
    assert len(item) <= libc.malloc_usable_size(id(item)) <= len(item) + 128
