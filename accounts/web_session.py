"""A browser's session: Django's own, its row in the officer's list, and django-otp's mark, moved together.

What lives here: the glue between a request and the actions. What must not: rules, pages.
"""

from __future__ import annotations

from ipaddress import ip_address

from django.contrib import auth
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

import audit
from accounts import actions, queries
from accounts.models import Officer, OfficerSession

OFFICER_SESSION = "officer_session"


def address_of(request: HttpRequest) -> str | None:
    """Return the address that the connection came from; the server puts the proxy's word into REMOTE_ADDR.

    None where that is no address: a proxy may say "unknown", or add a port.
    """
    try:
        return str(ip_address((request.META.get("REMOTE_ADDR") or "").partition("%")[0]))
    except ValueError:
        return None


def officer_of(request: HttpRequest) -> Officer:
    """Return the signed-in officer of a page that nobody else reaches."""
    if not isinstance(request.user, Officer):
        message = "this page was reached without an officer"
        raise TypeError(message)
    return request.user


def session_of(request: HttpRequest) -> OfficerSession | None:
    """Return the row of this request's session, which the middleware has found to be live."""
    return getattr(request, OFFICER_SESSION, None)


def begin(request: HttpRequest, officer: Officer) -> None:
    """Start a session after the password: it reaches the page that asks for the code, nothing else."""
    request.session.flush()
    auth.login(request, officer, backend="django.contrib.auth.backends.ModelBackend")
    row = actions.open_session(
        officer,
        session_key=_key(request),
        verified=False,
        address=address_of(request),
        agent=request.headers.get("User-Agent", ""),
    )
    setattr(request, OFFICER_SESSION, row)


def complete(request: HttpRequest, device: Device) -> None:
    """Raise the session after the second factor; its key is rotated, so that one fixed before opens nothing."""
    officer = officer_of(request)
    row = session_of(request)
    request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    request.session.cycle_key()
    if row is None:
        row = actions.open_session(officer, session_key=_key(request), verified=True)
    else:
        actions.verify_session(row, session_key=_key(request))
    setattr(request, OFFICER_SESSION, row)
    audit.record_now(audit.Action.OFFICER_SIGNED_IN, actor=officer.pk, subject=f"session:{row.pk}")


def renew(request: HttpRequest, officer: Officer) -> None:
    """Keep this session, under a new key, after the officer's password changed."""
    row = session_of(request)
    update_session_auth_hash(request, officer)
    if row is not None:
        actions.rekey_session(row, session_key=_key(request))


def adopt_device(request: HttpRequest, device: Device) -> None:
    """Keep this session after the authenticator that it was verified with was replaced."""
    request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id


def end(request: HttpRequest) -> None:
    """Sign out: the session's row ends, the session's data go."""
    row = session_of(request) or queries.session_of_key(request.session.session_key)
    if row is not None:
        actions.end_session(row)
    auth.logout(request)


def _key(request: HttpRequest) -> str:
    if not request.session.session_key:
        request.session.save()
    return str(request.session.session_key)
