"""Every write of accounts, gathered under one name: `from accounts import actions`."""

from accounts.actions.demo import enrol_demo_officer
from accounts.actions.factors import (
    begin_authenticator,
    confirm_authenticator,
    make_recovery_codes,
    prove_factor,
    prove_new_authenticator,
)
from accounts.actions.invitations import (
    accept_invitation,
    invite_officer,
    renew_invitation,
    reset_officer,
    withdraw_invitation,
    withdraw_links_held_by,
)
from accounts.actions.officers import (
    activate_officer,
    change_administration,
    change_officer,
    change_profile,
    check_password_quality,
    create_administration,
    create_officer,
    deactivate_officer,
)
from accounts.actions.sessions import (
    end_session,
    open_session,
    prune_sessions,
    rekey_session,
    revoke_everything,
    revoke_other_sessions,
    revoke_session,
    see_session,
    shorten_idle,
    verify_session,
)
from accounts.actions.sign_in import change_password, check_sign_in, prune_throttles
from accounts.actions.tokens import SCOPES, create_token, revoke_token, use_is_noted, use_token, use_tokens

__all__ = [
    "SCOPES",
    "accept_invitation",
    "activate_officer",
    "begin_authenticator",
    "change_administration",
    "change_officer",
    "change_password",
    "change_profile",
    "check_password_quality",
    "check_sign_in",
    "confirm_authenticator",
    "create_administration",
    "create_officer",
    "create_token",
    "deactivate_officer",
    "end_session",
    "enrol_demo_officer",
    "invite_officer",
    "make_recovery_codes",
    "open_session",
    "prove_factor",
    "prove_new_authenticator",
    "prune_sessions",
    "prune_throttles",
    "rekey_session",
    "renew_invitation",
    "reset_officer",
    "revoke_everything",
    "revoke_other_sessions",
    "revoke_session",
    "revoke_token",
    "see_session",
    "shorten_idle",
    "use_is_noted",
    "use_token",
    "use_tokens",
    "verify_session",
    "withdraw_invitation",
    "withdraw_links_held_by",
]
