"""A browser's session: Django's own, its row in the officer's list, and django-otp's mark, moved together.

What lives here: the glue between a request and the actions. What must not: rules, pages.
"""

from __future__ import annotations

from ipaddress import ip_address
from uuid import UUID

from django.contrib import auth
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from accounts import actions, queries
from accounts.errors import SignInOvertaken
from accounts.models import AuthenticatorDevice, Officer, OfficerSession, RecoveryDevice
from accounts.passkey_policy import needs_passkey

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


def session_id_of(request: HttpRequest) -> UUID | None:
    """Return the id of that row: what is kept where all other sessions end."""
    row = session_of(request)
    return row.pk if row else None


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


def complete(request: HttpRequest, device: Device) -> bool:
    """Raise the session after the second factor; return whether it opens everything now.

    The key is rotated either way, so that one fixed before opens nothing. Where the officer's role needs a passkey
    and this was none, the session only says so: it may register one (`may_register_first_passkey`). Raises
    SignInOvertaken, and signs out, where the account or this factor was taken away meanwhile.
    """
    row = session_of(request)
    request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    request.session.cycle_key()
    key = _key(request)
    row = row or actions.open_session(officer_of(request), session_key=key, verified=False)
    setattr(request, OFFICER_SESSION, row)
    try:
        return actions.raise_session(row, session_key=key, device=device, factor=factor_of(device))
    except SignInOvertaken:
        end(request)
        raise


def factor_of(device: Device) -> str:
    """Return what kind of second factor a device is."""
    if isinstance(device, AuthenticatorDevice):
        return OfficerSession.Factor.AUTHENTICATOR.value
    if isinstance(device, RecoveryDevice):
        return OfficerSession.Factor.RECOVERY_CODE.value
    return OfficerSession.Factor.PASSKEY.value


def may_register_first_passkey(request: HttpRequest) -> bool:
    """Whether this session has shown a factor and lacks only the passkey that its officer's role asks for.

    A recovery code stands for a lost passkey. An authenticator does not: who has a passkey must show that.
    """
    row = session_of(request)
    if row is None or row.verified or not isinstance(request.user, Officer) or not needs_passkey(request.user):
        return False
    if row.factor == OfficerSession.Factor.RECOVERY_CODE:
        return True
    return row.factor == OfficerSession.Factor.AUTHENTICATOR and not queries.passkeys_of(request.user).exists()


def origin_of(request: HttpRequest) -> str:
    """Return this site as the browser names it in what a passkey signs: scheme, host, port."""
    return f"{request.scheme}://{request.get_host()}"


def renew(request: HttpRequest, officer: Officer) -> None:
    """Keep this session, under a new key, after the officer's password changed."""
    row = session_of(request)
    update_session_auth_hash(request, officer)
    if row is not None:
        actions.rekey_session(row, session_key=_key(request))


def adopt_device(request: HttpRequest, device: Device) -> None:
    """Keep this session after the authenticator that it was verified with was replaced."""
    request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id


def adopt_factor(request: HttpRequest) -> None:
    """Keep this session after a second factor was removed: by one that is left."""
    officer = officer_of(request)
    left = queries.passkeys_of(officer).first() or queries.authenticator(officer)
    if left is not None:
        adopt_device(request, left)


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
