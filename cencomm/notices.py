"""Where the short notices of a page ("the member was added") wait for the next page: a cookie bound to this host.

What must not live here: what they say.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    """Django's cookie under a name that no other host, and no page without TLS, can set."""

    cookie_name = "cencomm_notices" if settings.PLAIN_HTTP else "__Host-cencomm_notices"


class NoticeStorage(FallbackStorage):
    """What is too long for the cookie goes on in the session."""

    storage_classes = (HostCookieStorage, SessionStorage)
