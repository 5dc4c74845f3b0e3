"""The people of a drill, made by the product's own actions in a process of its own: prints who they are as JSON.

    python -m tests.faults.cast --groups 3 --officers 6

Every group has the same members: a coordinator, officers, an observer who only reads, a wanderer who is removed and
comes back. The outsider is alone in a group of her own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

SCOPES = ("messages:read", "messages:write")
COUNTRIES = ("NG", "GH", "FR", "BE")


def main() -> int:
    """Make everybody and say who they are."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--groups", type=int, default=3)
    parser.add_argument("--officers", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    import django

    django.setup()
    sys.stdout.write(json.dumps(make_people(options.groups, options.officers)) + "\n")
    return 0


def make_people(groups: int, officers: int) -> dict[str, Any]:
    """Return groups (id, epoch), people (name, role, officer id, e-mail, token) and the coordinator's session."""
    from accounts.actions import create_administration, create_officer, create_token
    from groups.actions import add_member, create_group
    from groups.models import ClosedUserGroup, Membership

    administrations = [create_administration(country=code, name=f"Customs of {code}") for code in COUNTRIES]

    def officer(name: str, number: int, **values: Any) -> Any:
        administration = administrations[number % len(administrations)]
        email = f"{name}@drill.invalid"
        return create_officer(
            email=email, name=name.title(), administration=administration, password=None, **values
        )

    padma = officer("padma", 0, is_platform_administrator=True)
    coordinator = officer("coordinator", 0)
    roles = {f"officer{number}": "officer" for number in range(1, officers + 1)}
    roles |= {"observer": "observer", "wanderer": "officer"}
    others = {name: officer(name, number) for number, name in enumerate(roles, 1)}
    outsider = officer("outsider", 1)

    def group(code: str, first: Any) -> ClosedUserGroup:
        kind = ClosedUserGroup.Kind.STANDING
        return create_group(padma, code=code, name=code, first_coordinator=first, kind=kind, countries=COUNTRIES)

    made = []
    for number in range(groups):
        one = group(f"DRILL{number}", coordinator)
        membership = Membership.objects.select_related("group", "officer").get(group=one, officer=coordinator)
        for name, role in roles.items():
            add_member(membership, officer=others[name], role=role)
        one.refresh_from_db()
        made.append(one)
    away = group("ELSEWHERE", outsider)
    everybody = {"coordinator": coordinator, **others, "outsider": outsider}
    roles |= {"coordinator": "coordinator", "outsider": "coordinator"}
    return {
        "groups": [{"id": str(one.pk), "epoch": str(one.stream_epoch)} for one in made],
        "elsewhere": {"id": str(away.pk), "epoch": str(away.stream_epoch)},
        "people": {
            name: {
                "id": str(one.pk),
                "email": one.email,
                "role": roles[name],
                "token": create_token(officer=one, name="drill", scopes=SCOPES)[1],
            }
            for name, one in everybody.items()
        },
        "session": _session_of(coordinator),
    }


def _session_of(officer: Any) -> dict[str, str]:
    """Return the cookies of a browser in which the officer has signed in with a second factor."""
    from django.conf import settings
    from django.test import Client
    from django_otp import DEVICE_ID_SESSION_KEY

    from accounts.actions import open_session
    from accounts.models import AuthenticatorDevice

    device = AuthenticatorDevice.objects.create(user=officer, confirmed=True, name="authenticator", sealed_key=b"")
    browser = Client()
    browser.force_login(officer)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    open_session(officer, session_key=str(session.session_key), verified=True)
    return {settings.SESSION_COOKIE_NAME: str(session.session_key), settings.CSRF_COOKIE_NAME: "d" * 32}


if __name__ == "__main__":
    sys.exit(main())
