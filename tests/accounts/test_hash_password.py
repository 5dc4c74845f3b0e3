"""Argon2id, eight at once at most."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts import hashers
from accounts.errors import TooManyTries


def test_the_hash_is_argon2id_with_the_parameters_of_the_security_page() -> None:
    hasher = hashers.OfficerArgon2PasswordHasher()
    encoded = hasher.encode("a lantern over quiet water", "saltsaltsalt")
    assert encoded.startswith("argon2$argon2id$v=19$m=65536,t=3,p=4$")
    assert hasher.verify("a lantern over quiet water", encoded)
    assert not hasher.verify("a lantern over quiet waters", encoded)


def test_never_more_than_eight_at_once() -> None:
    changed, now, most = Condition(), 0, 0

    def slow(*_args: Any) -> bool:
        nonlocal now, most
        with changed:
            now += 1
            most = max(most, now)
            changed.notify_all()
            changed.wait_for(lambda: most >= 8, 300)
        time.sleep(0.01)
        with changed:
            now -= 1
        return True

    hasher = hashers.OfficerArgon2PasswordHasher()
    with mock.patch.object(Argon2PasswordHasher, "verify", slow), ThreadPoolExecutor(30) as pool:
        assert all(pool.map(lambda _: hasher.verify("p", "e"), range(60)))
    assert most == 8


def test_who_waits_too_long_is_told_to_come_back() -> None:
    hasher = hashers.OfficerArgon2PasswordHasher()
    taken = [hashers._slots.acquire() for _ in range(hashers.AT_ONCE)]
    try:
        with mock.patch.object(hashers, "LONGEST_WAIT", 0.01), pytest.raises(TooManyTries):
            hasher.verify("p", "e")
    finally:
        for _ in taken:
            hashers._slots.release()


def test_the_product_uses_this_hasher() -> None:
    from importlib import import_module

    text = import_module("cencomm.settings")
    assert text.PASSWORD_HASHERS == ["accounts.hashers.OfficerArgon2PasswordHasher"]
