"""The pages: one entry for each method of each page of the URL map. A method without an entry must answer 405."""

from __future__ import annotations

from typing import Any

from groups.access import Right
from tests.isolation.entries import Administrator, Anybody, Entry, Gate, Member, Of, Verified, group, one_of

MOVED = one_of(302)
NUMBER, MISSING = "000000", "00000000-0000-4000-8000-00000000f00d"
PROFILE = {"language": "en", "time_zone": "UTC"}
NEW_OFFICER = {"email": "new@demo.invalid", "name": "New", "administration": Of("administration"), **PROFILE}


def member(right: Right, **values: Any) -> Entry:
    """Return the entry of a page of a group."""
    objects = {
        name: values.pop(name) for name in list(values) if name.endswith(("_id", "entry", "country", "kind"))
    }
    return Entry(Member(right), objects=group(**objects), **values)


def own(**values: Any) -> Entry:
    """Return the entry of a page that shows an officer what is his."""
    return Entry(Verified(), **values)


def administrator(**values: Any) -> Entry:
    """Return the entry of a page of platform administrators."""
    return Entry(Administrator(), **values)


def anybody(*answers: int, **values: Any) -> Entry:
    """Return the entry of a page that needs no sign-in."""
    gate: Gate = Anybody()
    return Entry(gate, answers=one_of(*(answers or (200,))), **values)


MESSAGE, SEIZURE = Of("note"), Of("seizure")
CONFIRMED = {"confirmed": Of("confirmed")}
PAGES: dict[tuple[str, str], tuple[Entry, ...]] = {
    ("GET", "home"): (own(answers=MOVED),),
    ("GET", "live"): (anybody(),),
    ("GET", "ready"): (anybody(200, 503),),
    ("GET", "worker"): (anybody(200, 503),),
    ("GET", "reference"): (own(),),
    ("GET", "api:openapi-json"): (anybody(),),
    ("GET", "api:api-root"): (anybody(404),),
    ("POST", "api:api-root"): (anybody(404),),
    ("GET", "javascript-catalog"): (anybody(),),
    ("POST", "set_language"): (anybody(302, send={"language": "fr"}),),
    ("GET", "nomenclature:search"): (own(query={"list": "country", "q": "gh"}),),
    # -- CEN belongs to no group
    ("GET", "cen:search"): (own(),),
    ("GET", "cen:facets"): (own(),),
    ("GET", "cen:charts"): (own(),),
    ("GET", "cen:chart_data"): (own(query={"by": "month"}),),
    ("GET", "cen:download_csv"): (own(),),
    ("GET", "cen:download_xlsx"): (own(),),
    ("POST", "cen:download_csv"): (own(),),  # where it asks for a second factor, that is sent by a form
    ("POST", "cen:download_xlsx"): (own(),),
    ("GET", "cen:seizure"): (own(objects={"reference": "CEN-2026-0000000"}, answers=one_of(404)),),
    # -- signing in
    ("GET", "accounts:sign_in"): (anybody(200, 302),),
    ("POST", "accounts:sign_in"): (anybody(302, 422, send={"email": "x@demo.invalid", "password": "wrong"}),),
    ("GET", "accounts:code"): (anybody(302),),
    ("POST", "accounts:code"): (anybody(302, send={"code": NUMBER}),),
    ("POST", "accounts:sign_out"): (anybody(302),),
    ("GET", "accounts:accept_invitation"): (anybody(410, objects={"secret": "nonsense"}),),
    ("GET", "accounts:welcome_password"): (anybody(302, 410),),
    ("POST", "accounts:welcome_password"): (anybody(302, 410),),
    ("GET", "accounts:welcome_authenticator"): (anybody(302, 410),),
    ("POST", "accounts:welcome_authenticator"): (anybody(302, 410),),
    ("POST", "accounts:sign_in_challenge"): (anybody(),),
    ("POST", "accounts:sign_in_passkey"): (anybody(422),),
    ("POST", "accounts:second_factor_passkey"): (anybody(302),),
    ("GET", "accounts:first_passkey"): (anybody(302),),
    ("POST", "accounts:first_passkey"): (anybody(302),),
    ("POST", "accounts:welcome_passkey"): (anybody(302, 410),),
    # -- one's own account
    ("GET", "accounts:account"): (own(),),
    ("POST", "accounts:account"): (own(send=PROFILE, answers=MOVED),),
    ("GET", "accounts:password"): (own(),),
    ("POST", "accounts:password"): (own(answers=one_of(200, 422)),),
    ("GET", "accounts:security"): (own(),),
    ("POST", "accounts:new_recovery_codes"): (own(step_up=True),),
    ("POST", "accounts:replace_authenticator"): (own(step_up=True, answers=MOVED),),
    ("POST", "accounts:remove_authenticator"): (own(step_up=True, answers=MOVED),),
    ("POST", "accounts:new_passkey"): (own(step_up=True, send={"name": "Key"}),),
    ("POST", "accounts:add_passkey"): (own(answers=one_of(302, 400, 401, 409, 410, 422)),),
    ("POST", "accounts:remove_passkey"): (
        own(step_up=True, objects={"passkey_id": 2_000_000_000}, answers=one_of(404)),
    ),
    ("POST", "accounts:step_up_challenge"): (own(answers=one_of(403)),),  # nothing was asked before
    ("GET", "accounts:new_authenticator"): (own(answers=MOVED),),
    ("POST", "accounts:new_authenticator"): (own(answers=MOVED),),
    ("POST", "accounts:revoke_other_sessions"): (own(step_up=True, answers=MOVED),),
    # Another's is told as one that never was.
    ("POST", "accounts:revoke_session"): (own(objects={"session_id": Of("session")}, answers=one_of(404)),),
    ("POST", "accounts:refuse_recovery"): (own(answers=one_of(302, 409)),),
    ("GET", "accounts:tokens"): (own(),),
    ("POST", "accounts:tokens"): (own(answers=one_of(200, 422)),),
    ("POST", "accounts:revoke_token"): (own(objects={"token_id": Of("token")}, answers=one_of(404)),),
    # -- platform administration
    ("GET", "accounts:administration"): (administrator(),),
    ("GET", "accounts:administrations"): (administrator(),),
    ("GET", "accounts:new_administration"): (administrator(),),
    ("POST", "accounts:new_administration"): (
        administrator(send={"country": "TG", "name": "Douanes", "kind": "customs"}, answers=MOVED),
    ),
    ("GET", "accounts:change_administration"): (
        administrator(objects={"administration_id": Of("administration")}),
    ),
    ("POST", "accounts:change_administration"): (
        administrator(
            objects={"administration_id": Of("administration")},
            send={"country": "BE", "name": "Other", "kind": "customs"},
            answers=MOVED,
        ),
    ),
    ("GET", "accounts:officers"): (administrator(),),
    ("GET", "accounts:new_officer"): (administrator(),),
    ("POST", "accounts:new_officer"): (administrator(send=NEW_OFFICER),),
    ("GET", "accounts:officer"): (administrator(objects={"officer_id": Of("officer")}),),
    ("POST", "accounts:officer"): (
        administrator(
            objects={"officer_id": Of("officer")},
            send={"name": "Other", "administration": Of("administration"), **PROFILE},
            answers=MOVED,
        ),
    ),
    ("POST", "accounts:deactivate_officer"): (
        administrator(objects={"officer_id": Of("officer")}, step_up=True, answers=MOVED),
    ),
    ("POST", "accounts:activate_officer"): (
        administrator(objects={"officer_id": Of("officer")}, step_up=True, answers=MOVED),
    ),
    ("POST", "accounts:reset_officer"): (
        administrator(objects={"officer_id": Of("officer")}, answers=one_of(302, 409)),
    ),
    ("POST", "accounts:confirm_reset"): (
        administrator(objects={"officer_id": Of("officer")}, answers=one_of(409)),
    ),
    ("POST", "accounts:draw_reset"): (administrator(objects={"officer_id": Of("officer")}, answers=one_of(409)),),
    ("POST", "accounts:withdraw_reset"): (
        administrator(objects={"officer_id": Of("officer")}, answers=one_of(302, 409)),
    ),
    ("POST", "accounts:renew_invitation"): (
        administrator(objects={"officer_id": Of("officer")}, answers=one_of(200, 409)),
    ),
    ("GET", "accounts:invitations"): (administrator(),),
    ("POST", "accounts:withdraw_invitation"): (
        administrator(objects={"invitation_id": MISSING}, answers=one_of(404)),
    ),
    ("GET", "accounts:client_systems"): (administrator(),),
    ("POST", "accounts:client_systems"): (administrator(answers=one_of(200, 422)),),
    ("POST", "accounts:revoke_client_token"): (administrator(objects={"token_id": MISSING}, answers=one_of(404)),),
    ("GET", "groups:accounts_trail"): (administrator(),),
    ("GET", "groups:accounts_trail_proof"): (
        administrator(objects={"entry": Of("accounts_entry")}, answers=one_of(200, 409)),
        administrator(objects={"entry": Of("entry")}, answers=one_of(404)),  # a group's, which they do not read
    ),
    ("GET", "groups:administration"): (administrator(names_groups=True),),
    ("GET", "groups:create"): (administrator(),),
    ("POST", "groups:create"): (
        administrator(
            send={
                "code": "NEW", "name": "New", "kind": "standing", "form_mode": "simplified",
                "first_coordinator": "nadia@demo.invalid",
            },
            answers=MOVED,
        ),
    ),
    ("GET", "exports:mapping"): (Entry(Administrator(refused=404)),),
    ("POST", "exports:mapping"): (Entry(Administrator(refused=404), answers=one_of(302, 422)),),
    # -- groups
    ("GET", "groups:mine"): (own(),),
    ("GET", "groups:recoveries"): (member(Right.RECOVER),),
    ("POST", "groups:open_recovery"): (
        member(Right.RECOVER, send={"member": Of("membership")}, step_up=True, answers=one_of(302, 404, 409, 422)),
    ),
    ("POST", "groups:confirm_recovery"): (
        member(Right.RECOVER, recovery_id=Of("recovery"), step_up=True, answers=one_of(302, 403, 409)),
    ),
    ("POST", "groups:draw_recovery"): (
        member(Right.RECOVER, recovery_id=Of("recovery"), step_up=True, answers=one_of(200, 403, 409)),
    ),
    ("POST", "groups:withdraw_recovery"): (
        member(Right.RECOVER, recovery_id=Of("recovery"), answers=one_of(302, 403, 409)),
    ),
    ("GET", "groups:members"): (member(Right.SEE_GROUP),),
    ("GET", "groups:add_member"): (member(Right.MANAGE_MEMBERS),),
    ("POST", "groups:add_member"): (
        member(Right.MANAGE_MEMBERS, send={"email": "nadia@demo.invalid", "role": "observer"}, answers=MOVED),
    ),
    ("GET", "groups:leave"): (member(Right.SEE_GROUP),),
    ("POST", "groups:leave"): (member(Right.SEE_GROUP, send={"confirm": "on"}, answers=one_of(302, 409)),),
    ("GET", "groups:member"): (member(Right.MANAGE_MEMBERS, member_id=Of("membership")),),
    ("POST", "groups:member"): (
        member(Right.MANAGE_MEMBERS, member_id=Of("membership"), send={"role": "observer"}, answers=MOVED),
    ),
    ("POST", "groups:remove_member"): (
        member(Right.MANAGE_MEMBERS, member_id=Of("membership"), send={"confirm": "on"}, answers=MOVED),
    ),
    ("POST", "groups:invite_again"): (
        member(Right.MANAGE_MEMBERS, member_id=Of("membership"), answers=one_of(409)),
    ),
    ("GET", "groups:phases"): (member(Right.SEE_GROUP),),
    ("POST", "groups:move_phase"): (
        member(Right.MANAGE_GROUP, send={"to": "postoperational", "confirm": Of("code")}, answers=MOVED),
    ),
    ("GET", "groups:settings"): (member(Right.MANAGE_GROUP),),
    ("POST", "groups:settings"): (member(Right.MANAGE_GROUP, answers=one_of(200, 302, 422)),),
    ("GET", "groups:nominal"): (member(Right.MANAGE_GROUP),),
    ("POST", "groups:nominal"): (
        member(Right.MANAGE_GROUP, send={"allowed": "True", "confirm": Of("code")}, answers=one_of(200, 302)),
    ),
    ("POST", "groups:add_country"): (member(Right.MANAGE_GROUP, send={"country": "TG"}, answers=MOVED),),
    ("POST", "groups:remove_country"): (member(Right.MANAGE_GROUP, country="NG", answers=one_of(302, 409)),),
    ("POST", "groups:set_contact_point"): (
        member(
            Right.MANAGE_GROUP, country="NG", send={"member": Of("membership")}, answers=one_of(302, 409)
        ),
    ),
    ("GET", "groups:trail"): (member(Right.READ_AUDIT),),
    ("GET", "groups:trail_proof"): (
        member(Right.READ_AUDIT, entry=Of("entry"), answers=one_of(200, 409)),
        member(Right.READ_AUDIT, entry=Of("accounts_entry"), answers=one_of(404)),
    ),
    # -- messages
    ("GET", "messaging:console"): (member(Right.READ),),
    ("GET", "messaging:figures"): (member(Right.READ),),
    ("GET", "messaging:seizure"): (
        member(Right.POST_SEIZURE, query={"warning": Of("warning"), "supersedes": Of("report")}),
    ),
    ("GET", "messaging:situation"): (member(Right.READ),),
    ("GET", "messaging:record"): (member(Right.READ, message_id=MESSAGE),),
    # -- forms
    ("GET", "simplified_forms:templates"): (member(Right.EDIT_TEMPLATES),),
    ("POST", "simplified_forms:form_mode"): (
        member(Right.EDIT_TEMPLATES, send={"mode": "full"}, answers=MOVED),
    ),
    ("GET", "simplified_forms:template_version"): (member(Right.EDIT_TEMPLATES, template_id=Of("template")),),
    ("GET", "simplified_forms:template_draft"): (member(Right.EDIT_TEMPLATES, kind="seizure"),),
    ("POST", "simplified_forms:template_draft"): (
        member(Right.EDIT_TEMPLATES, kind="seizure", answers=one_of(302, 409, 422)),
    ),
    ("POST", "simplified_forms:preview"): (
        member(Right.EDIT_TEMPLATES, kind="seizure", answers=one_of(200, 422)),
    ),
    # -- transfers
    ("GET", "exports:transfer"): (member(Right.SEE_TRANSFERS),),
    ("GET", "exports:record"): (member(Right.SEE_TRANSFERS, message_id=SEIZURE),),
    ("POST", "exports:resolve"): (
        member(
            Right.TRANSFER, message_id=SEIZURE, send={"kind": "duplicate", "about": ""}, answers=one_of(302, 409)
        ),
    ),
    ("POST", "exports:confirm"): (member(Right.TRANSFER, send={"message": SEIZURE}, answers=one_of(200, 409)),),
    ("POST", "exports:start"): (member(Right.TRANSFER, send=CONFIRMED, step_up=True, answers=one_of(302, 409)),),
    ("GET", "exports:batch"): (member(Right.SEE_TRANSFERS, batch_id=Of("batch")),),
    ("POST", "exports:again"): (
        member(Right.TRANSFER, transfer_id=Of("transfer"), step_up=True, answers=one_of(302, 409)),
    ),
    ("POST", "exports:automatic"): (member(Right.TRANSFER, send={"on": "yes"}, step_up=True, answers=MOVED),),
    ("GET", "exports:reconciliation"): (member(Right.SEE_TRANSFERS),),
}  # fmt: skip
