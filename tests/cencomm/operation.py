"""Run as a program on a prepared product: two groups with members and tokens, told as JSON on the output."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from uuid import uuid4

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    import django

    django.setup()
    from django.utils import timezone

    from accounts import actions
    from groups.actions import create_group
    from groups.models import ClosedUserGroup, Phase
    from messaging.history import stop_watching, watch
    from simplified_forms.actions import create_starting_templates

    watch()

    mark = uuid4().hex[:6]
    home = actions.create_administration(country="NG", name=f"Customs {mark}")
    officers = [
        actions.create_officer(
            email=f"{name}-{mark}@demo.invalid",
            name=name,
            administration=home,
            password="a lantern over quiet water",
            **values,
        )
        for name, values in (("padma", {"is_platform_administrator": True}), ("amina", {}))
    ]
    padma, amina = officers
    today = timezone.now().date()
    groups = []
    for number in range(2):
        group = create_group(
            padma,
            code=f"{mark[:5].upper()}{number}",
            name=f"Operation {number}",
            first_coordinator=amina,
            starts_on=today - timedelta(days=2),
            ends_on=today + timedelta(days=5),
        )
        ClosedUserGroup.objects.filter(pk=group.pk).update(phase=Phase.OPERATIONAL)
        if not group.form_templates.exists():
            create_starting_templates(group)
        groups.append(str(group.pk))
    _token, secret = actions.create_token(
        officer=amina, name="follower", scopes=["messages:read", "messages:write"]
    )
    stop_watching()
    json.dump({"groups": groups, "token": secret}, sys.stdout)
