"""Root keys in a PKCS#11 token (an HSM, a smart card, SoftHSM): the token wraps and unwraps, no key leaves it.

Named by a URI of RFC 7512: `pkcs11:token=cencomm?module-path=/usr/lib/…/lib.so&pin-source=/run/secrets/pin`. What
must not live here: the PIN in an address, an environment variable or a log.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import EncryptedDataInvalid, GeneralError, PKCS11Error, UserAlreadyLoggedIn

from vault.errors import KeyStoreUnavailable, SealBroken
from vault.primitives import NONCE_BYTES, TAG_BYTES
from vault.roots import ROOT_ID_BYTES, PlaceOf

_LABEL = "cencomm-root-"  # and a number that grows: the highest is current


class TokenRootKeys:
    """Root keys in one token. One session per process, opened at first use and again after a fork or a failure."""

    are_here = False  # a token may be a machine on the network

    def __init__(self, uri: str) -> None:
        """Take a PKCS#11 URI. Raises ValueError where it lacks the token, the module or the file of the PIN."""
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        named = dict(part.partition("=")[::2] for part in path.split(";"))
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        try:
            self._token = unquote(named["token"])
            self._module = asked["module-path"]
            self._pin_file = Path(asked["pin-source"].removeprefix("file:"))
        except KeyError as missing:
            message = f"a PKCS#11 address needs token, module-path and pin-source: {missing} is missing"
            raise ValueError(message) from None
        self._lock = threading.Lock()
        self._session: Any = None
        self._process = 0

    @property
    def where(self) -> str:
        """The token."""
        return f"the PKCS#11 token {self._token}"

    def ids(self) -> list[bytes]:
        """Return the ids, oldest first. Raises KeyStoreUnavailable where there is none."""
        with self._open() as session:
            found = [bytes(key.id) for key in _keys(session)]
        if not found:
            raise KeyStoreUnavailable
        return found

    def make_first(self) -> None:
        """Make a key in a token that has none."""
        with self._open() as session:
            if not _keys(session):
                _make(session, 1)

    def add(self) -> bytes:
        """Make another key in the token."""
        with self._open() as session:
            newest = _keys(session)[-1:]
            return _make(session, 1 + (int(newest[0].label.removeprefix(_LABEL)) if newest else 0))

    def retire(self, keep: bytes) -> None:
        """Destroy every root key of the token but one."""
        with self._open() as session:
            for key in _keys(session):
                if bytes(key.id) != keep:
                    key.destroy()

    def wrap(self, key: bytes, place: PlaceOf) -> tuple[bytes, bytes]:
        """Wrap in the token, under its newest key."""
        with self._open() as session:
            found = _keys(session)
            if not found:
                raise KeyStoreUnavailable
            root_id, nonce = bytes(found[-1].id), os.urandom(NONCE_BYTES)
            parameters = GCMParams(nonce, place(root_id), TAG_BYTES * 8)
            wrapped = found[-1].encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
        return root_id, nonce + bytes(wrapped)

    def unwrap(self, root_id: bytes, wrapped: bytes, place: PlaceOf) -> bytes:
        """Unwrap in the token."""
        with self._open() as session:
            for key in _keys(session):
                if bytes(key.id) == root_id:
                    parameters = GCMParams(wrapped[:NONCE_BYTES], place(root_id), TAG_BYTES * 8)
                    try:
                        return bytes(
                            key.decrypt(
                                wrapped[NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=parameters
                            )
                        )
                    except (EncryptedDataInvalid, GeneralError):  # SoftHSM has no word of its own for a wrong tag
                        raise SealBroken from None
        raise KeyStoreUnavailable

    @contextmanager
    def _open(self) -> Iterator[Any]:
        with self._lock:
            try:
                if self._session is None or self._process != os.getpid():
                    self._session = self._sign_in()
                    self._process = os.getpid()
                yield self._session
            except (PKCS11Error, OSError):
                self._session = None
                raise KeyStoreUnavailable from None

    def _sign_in(self) -> Any:
        library = pkcs11.lib(self._module)
        if self._process:
            library.reinitialize()  # after a fork, or when the token went away
        pin = self._pin_file.read_text().strip()
        token = library.get_token(token_label=self._token)
        try:
            return token.open(rw=True, user_pin=pin)
        except UserAlreadyLoggedIn:
            return token.open(rw=True)  # a process signs in to a token once, whatever the number of its sessions

    def __repr__(self) -> str:
        return "<TokenRootKeys>"


def _keys(session: Any) -> list[Any]:
    found = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
    return sorted(
        (key for key in found if key.label.startswith(_LABEL)), key=lambda key: (key.label, bytes(key.id))
    )


def _make(session: Any, number: int) -> bytes:
    root_id = os.urandom(ROOT_ID_BYTES)
    session.generate_key(
        KeyType.AES,
        256,
        id=root_id,
        label=f"{_LABEL}{number:06}",
        store=True,
        template={Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True},
    )
    return root_id
