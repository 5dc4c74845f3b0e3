"""`manage rotate_root_key`: messages open as before, and the act is recorded."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit import Action
from audit.models import Entry
from groups.models import ClosedUserGroup
from groups.queries import current_sealer
from vault import KeyStore, KeyStoreUnavailable, Place, keystore


@pytest.mark.django_db
def test_root_key_is_replaced(group: ClosedUserGroup) -> None:
    place = Place("message", "body", "1")
    sealed = current_sealer(group).seal(b"berth", place)
    before = set(keystore().root_keys())
    said = StringIO()
    call_command("rotate_root_key", stdout=said)
    [(now, count)] = keystore().root_keys().items()
    assert now not in before
    assert now.hex() in said.getvalue()
    assert current_sealer(group).open(sealed, place) == b"berth"
    entry = Entry.objects.get(action=Action.ROOT_KEY_ROTATED)
    assert (entry.subject, entry.details) == (f"root-key:{now.hex()}", {"keys": count})


@pytest.mark.django_db
def test_failure_is_told_and_not_recorded_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_store: KeyStore) -> None:
        raise KeyStoreUnavailable

    monkeypatch.setattr(KeyStore, "rotate_root_key", fail)
    with pytest.raises(CommandError, match="Run it again"):
        call_command("rotate_root_key")
    assert not Entry.objects.filter(action=Action.ROOT_KEY_ROTATED).exists()
