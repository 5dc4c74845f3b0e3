"""Every write of accounts, gathered under one name: `from accounts import actions`."""

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
from accounts.actions.tokens import create_token, revoke_token

__all__ = [
    "activate_officer",
    "change_administration",
    "change_officer",
    "change_profile",
    "check_password_quality",
    "create_administration",
    "create_officer",
    "create_token",
    "deactivate_officer",
    "end_session",
    "open_session",
    "prune_sessions",
    "rekey_session",
    "revoke_everything",
    "revoke_other_sessions",
    "revoke_session",
    "revoke_token",
    "see_session",
    "shorten_idle",
    "verify_session",
]
