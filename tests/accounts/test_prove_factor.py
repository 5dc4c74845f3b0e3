"""The second step: a code of the authenticator, or a recovery code. Each works once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts import actions, totp
from accounts.authenticator_keys import open_key
from accounts.errors import FactorMissing, TooManyTries, WrongCode
from accounts.models import AuthenticatorDevice, Officer, RecoveryCode
from audit.models import Entry
from tests.accounts.conftest import Clock, code_of, enrol, wrong_code
from vault import SealBroken


def test_codes_are_those_of_rfc_6238() -> None:
    key = b"12345678901234567890"
    for moment, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert totp.code_at(key, moment // 30) == code


def test_the_present_code_proves(enrolled: Officer, clock: Clock) -> None:
    assert actions.prove_factor(enrolled, code_of(enrolled, clock))


def test_blanks_in_a_code_are_ignored(enrolled: Officer, clock: Clock) -> None:
    code = code_of(enrolled, clock)
    assert actions.prove_factor(enrolled, f" {code[:3]} {code[3:]} ")


def test_a_code_works_once(enrolled: Officer, clock: Clock) -> None:
    code = code_of(enrolled, clock)
    actions.prove_factor(enrolled, code)
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, code)


@pytest.mark.parametrize("steps", [-1, 1])
def test_clocks_may_differ_by_one_step(enrolled: Officer, clock: Clock, steps: int) -> None:
    assert actions.prove_factor(enrolled, code_of(enrolled, clock, steps=steps))


@pytest.mark.parametrize("steps", [-2, 2])
def test_clocks_may_not_differ_by_two(enrolled: Officer, clock: Clock, steps: int) -> None:
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, code_of(enrolled, clock, steps=steps))


def test_an_earlier_code_is_worth_nothing_after_a_later_one(enrolled: Officer, clock: Clock) -> None:
    earlier = code_of(enrolled, clock, steps=-1)
    actions.prove_factor(enrolled, code_of(enrolled, clock))
    clock.move(seconds=1)
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, earlier)


def test_the_code_of_somebody_else_proves_nothing(enrolled: Officer, bruno: Officer, clock: Clock) -> None:
    enrol(bruno)
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, code_of(bruno, clock))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "0" * 40, "A" * 16])
def test_what_is_no_code_proves_nothing(enrolled: Officer, code: str) -> None:
    actions.make_recovery_codes(enrolled)
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, code)


def test_wrong_codes_wait_longer_and_longer_but_never_long(enrolled: Officer, clock: Clock) -> None:
    waits = []
    for _ in range(10):
        with pytest.raises(WrongCode):
            actions.prove_factor(enrolled, wrong_code(enrolled, clock))
        with pytest.raises(TooManyTries) as refused:
            actions.prove_factor(enrolled, code_of(enrolled, clock))
        waits.append(refused.value.retry_after)
        clock.move(seconds=refused.value.retry_after or 0)
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert 60 <= waits[-1] <= 65
    assert actions.prove_factor(enrolled, code_of(enrolled, clock))


def test_a_right_code_forgives(enrolled: Officer, clock: Clock) -> None:
    for _ in range(3):
        with pytest.raises(WrongCode):
            actions.prove_factor(enrolled, wrong_code(enrolled, clock))
        clock.move(seconds=10)
    actions.prove_factor(enrolled, code_of(enrolled, clock))
    assert AuthenticatorDevice.objects.get().throttling_failure_count == 0


def test_wrong_codes_are_audited(enrolled: Officer, clock: Clock, audited: Callable[[str], list[Entry]]) -> None:
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, wrong_code(enrolled, clock))
    (entry,) = audited("account:session:refused")
    assert entry.actor == enrolled.pk
    assert entry.details == {"reason": "code"}


def test_without_an_authenticator_nothing_is_proven(amina: Officer) -> None:
    codes = actions.make_recovery_codes(amina)
    with pytest.raises(FactorMissing):
        actions.prove_factor(amina, codes[0])


def test_ten_recovery_codes_each_work_once(
    enrolled: Officer, audited: Callable[[str], list[Entry]], clock: Clock
) -> None:
    codes = actions.make_recovery_codes(enrolled)
    assert len(set(codes)) == 10
    for code in codes:
        actions.prove_factor(enrolled, code)
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, codes[0])
    assert len(audited("account:recovery-code:used")) == 10


def test_recovery_codes_are_read_as_people_type_them(enrolled: Officer) -> None:
    code = actions.make_recovery_codes(enrolled)[0]
    assert actions.prove_factor(enrolled, code.lower().replace("-", " "))


def test_new_recovery_codes_end_the_old_ones(enrolled: Officer) -> None:
    old = actions.make_recovery_codes(enrolled)
    actions.make_recovery_codes(enrolled)
    with pytest.raises(WrongCode):
        actions.prove_factor(enrolled, old[0])


def test_recovery_codes_are_stored_as_hashes(enrolled: Officer) -> None:
    codes = actions.make_recovery_codes(enrolled)
    stored = b"".join(bytes(row.code_hash) for row in RecoveryCode.objects.all())
    assert RecoveryCode.objects.count() == 10
    assert all(code.encode() not in stored and code.replace("-", "").encode() not in stored for code in codes)


def test_a_recovery_code_of_somebody_else_proves_nothing(enrolled: Officer, bruno: Officer) -> None:
    enrol(bruno)
    actions.make_recovery_codes(bruno)
    code = actions.make_recovery_codes(enrolled)[0]
    with pytest.raises(WrongCode):
        actions.prove_factor(bruno, code)


def test_the_key_is_sealed_at_its_row(enrolled: Officer, bruno: Officer) -> None:
    amina_device = AuthenticatorDevice.objects.get(user=enrolled)
    key = open_key(amina_device)
    assert key not in bytes(amina_device.sealed_key)
    amina_device.user = bruno
    with pytest.raises(SealBroken):
        open_key(amina_device)
    other = enrol(bruno)
    other.sealed_key = AuthenticatorDevice.objects.get(user=enrolled).sealed_key
    with pytest.raises(SealBroken):
        open_key(other)


def _race(officer: Officer, code: str, racers: int) -> list[bool]:
    barrier = Barrier(racers)

    def run() -> bool:
        barrier.wait()
        try:
            actions.prove_factor(officer, code)
        except (WrongCode, TooManyTries):
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(racers) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(racers)]]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_bring_one_code_at_once_one_wins(enrolled: Officer, clock: Clock) -> None:
    assert sum(_race(enrolled, code_of(enrolled, clock), 6)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_bring_one_recovery_code_at_once_one_wins(enrolled: Officer) -> None:
    assert sum(_race(enrolled, actions.make_recovery_codes(enrolled)[0], 6)) == 1


def test_recovery_codes_and_keys_are_random_and_long(enrolled: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = secrets.token_bytes

    def watched(size: int) -> bytes:
        drawn.append(size)
        return draw(size)

    monkeypatch.setattr(secrets, "token_bytes", watched)
    codes = [code for _ in range(3) for code in actions.make_recovery_codes(enrolled)]
    assert drawn == [17] * 30  # 136 bits each
    assert len(set(codes)) == 30
    assert {len(code.replace("-", "")) for code in codes} == {28}
    assert totp.new_key() != totp.new_key()
    assert drawn[30:] == [20, 20]
