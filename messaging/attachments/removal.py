"""Taking stored streams away once no row names them. What must not live here: when that is so."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

from messaging.attachments.errors import StorageUnavailable
from messaging.attachments.storage import storage

logger = logging.getLogger("cencomm.messaging")


def remove_objects(names: Iterable[UUID]) -> None:
    """Remove stored streams; what cannot be removed now is found and removed later (`tending`)."""
    for name in names:
        try:
            storage().remove(name)
        except StorageUnavailable:
            logger.warning("stored object %s could not be removed; it will be tried again", name)
