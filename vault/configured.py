"""Which key store this process uses, as the settings say: in files here, or behind the key agent.

What must not live here: keys.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings

from vault.agent.client import AgentKeyStore
from vault.keystore import KeyStore
from vault.roots import root_keys

type AnyKeyStore = KeyStore | AgentKeyStore

_known: list[tuple[object, object, object, object, AnyKeyStore]] = []


def keystore() -> AnyKeyStore:
    """Return this process's key store."""
    if _known:
        agent, folder, file, uri, store = _known[0]
        # The very objects of the settings: to compare paths takes longer than most of what follows.
        if (
            agent is settings.CENCOMM_KEY_AGENT
            and folder is settings.CENCOMM_KEY_STORE
            and file is settings.CENCOMM_ROOT_KEY_FILE
            and uri is settings.CENCOMM_ROOT_KEY_URI
        ):
            return store
    return _find_keystore()


def _find_keystore() -> AnyKeyStore:
    agent, folder = settings.CENCOMM_KEY_AGENT, settings.CENCOMM_KEY_STORE
    file, uri = settings.CENCOMM_ROOT_KEY_FILE, settings.CENCOMM_ROOT_KEY_URI
    store = _keystore(str(agent or ""), Path(folder), Path(file), str(uri))
    _known[:] = [(agent, folder, file, uri, store)]
    return store


@cache
def _keystore(agent: str, folder: Path, file: Path, uri: str) -> AnyKeyStore:
    if agent:
        return AgentKeyStore(Path(agent))
    return KeyStore(roots=root_keys(file=file, uri=uri), folder=folder)
