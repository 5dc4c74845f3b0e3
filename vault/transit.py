"""Root keys in the transit engine of OpenBao or HashiCorp Vault: the service wraps and unwraps, no key leaves it.

Named by an address, `transit:https://HOST:PORT/MOUNT/KEY?ca-file=FILE&token-file=FILE`. Each version of that key is
a root key; the place of what is wrapped goes along as associated data. What must not live here: HTTP (`service`).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, NoReturn

from vault.errors import KeyStoreUnavailable, SealBroken
from vault.primitives import KEY_BYTES
from vault.roots import ROOT_ID_BYTES, PlaceOf
from vault.service import Address, KeyService, ServiceRefused

_CANNOT = {
    400: "it cannot do that with this key",
    403: "token or policy do not allow it",
    404: "there is no such key or engine",
}


class TransitRootKeys:
    """Root keys that are the versions of one transit key. Safe to share between threads."""

    are_here = False

    def __init__(self, uri: str) -> None:
        """Take an address. Raises ValueError where it is none."""
        self._address = Address.of(uri)
        self._service = KeyService(self._address)
        self._binds = False

    @property
    def where(self) -> str:
        """The key and the service."""
        return f"the transit key {self._address.mount}/{self._address.key} of {self._address.origin}"

    def ids(self) -> list[bytes]:
        """Return the ids of the versions that open, oldest first: number and time, so that none comes twice."""
        told = self._ask("GET", "keys")
        least, versions = told.get("min_decryption_version"), told.get("keys")
        try:
            return sorted(
                int(number).to_bytes(4, "big") + made_at.to_bytes(4, "big")
                for number, made_at in versions.items()  # type: ignore[union-attr]
                if int(number) >= int(least or 1)
            )
        except (AttributeError, TypeError, ValueError, OverflowError):
            self._service.tell("this is no key that seals and opens")
            raise KeyStoreUnavailable from None

    def make_first(self) -> None:
        """Have the key made where there is none, if the policy lets us; one that is there stays."""
        self._ask("POST", "keys", type="aes256-gcm96")

    def add(self) -> bytes:
        """Have another version made, or the key where there is none."""
        try:
            self._service.ask("GET", f"{self._address.mount}/keys/{self._address.key}")
        except ServiceRefused as refused:
            if refused.answered != 404:
                self._cannot(refused)
            self.make_first()
        else:
            self._ask("POST", "keys", "rotate")
        return self.ids()[-1]

    def retire(self, keep: bytes) -> None:
        """Let older versions open nothing any more. The service's own people can undo that until they trim them."""
        self._ask("POST", "keys", "config", min_decryption_version=_version(keep))

    def wrap(self, key: bytes, place: PlaceOf) -> tuple[bytes, bytes]:
        """Have the newest version wrap."""
        root_id = self.ids()[-1]
        if not self._binds:
            self._see_it_bind(root_id)
        return root_id, self._sealed(root_id, key, place(root_id))

    def unwrap(self, root_id: bytes, wrapped: bytes, place: PlaceOf) -> bytes:
        """Have the version of that id unwrap."""
        try:
            key = self._opened(root_id, wrapped, place(root_id))
        except ServiceRefused as refused:
            if refused.answered == 400 and root_id in self.ids():
                raise SealBroken from None
            # Another key, or a version that was retired: tell it apart from what was changed.
            self._cannot(refused)
        if len(key) != KEY_BYTES:
            raise SealBroken
        return key

    def _see_it_bind(self, root_id: bytes) -> None:
        """Refuse a service that ignores associated data, as very old ones do: it would say nothing."""
        sealed = self._sealed(root_id, bytes(KEY_BYTES), b"here")
        try:
            self._opened(root_id, sealed, b"there")
        except ServiceRefused as refused:
            if refused.answered == 400:
                self._binds = True
                return
            self._cannot(refused)
        self._service.tell("it ignores associated data: it is too old")
        raise KeyStoreUnavailable

    def _sealed(self, root_id: bytes, key: bytes, place: bytes) -> bytes:
        words: dict[str, Any] = {
            "plaintext": _encoded(key),
            "associated_data": _encoded(place),
            "key_version": _version(root_id),
        }
        ciphertext = str(self._ask("POST", "encrypt", **words).get("ciphertext"))
        prefix = _prefix(root_id)
        if not ciphertext.startswith(prefix):
            raise KeyStoreUnavailable
        return _decoded(ciphertext.removeprefix(prefix))

    def _opened(self, root_id: bytes, wrapped: bytes, place: bytes) -> bytes:
        ciphertext = f"{_prefix(root_id)}{_encoded(wrapped)}"
        path = f"{self._address.mount}/decrypt/{self._address.key}"
        answer = self._service.ask("POST", path, ciphertext=ciphertext, associated_data=_encoded(place))
        return _decoded(answer.get("plaintext"))

    def _ask(self, method: str, act: str, part: str = "", **words: Any) -> dict[str, Any]:
        path = "/".join(filter(None, (self._address.mount, act, self._address.key, part)))
        try:
            return self._service.ask(method, path, **words)
        except ServiceRefused as refused:
            self._cannot(refused)

    def _cannot(self, refused: ServiceRefused) -> NoReturn:
        self._service.tell(f"{_CANNOT.get(refused.answered, 'it refuses')} ({refused.answered})")
        raise KeyStoreUnavailable from None

    def __repr__(self) -> str:
        return "<TransitRootKeys>"


def _version(root_id: bytes) -> int:
    return int.from_bytes(root_id[: ROOT_ID_BYTES // 2], "big")


def _prefix(root_id: bytes) -> str:
    return f"vault:v{_version(root_id)}:"


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise KeyStoreUnavailable from None
