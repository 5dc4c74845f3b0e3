"""Addresses of accounts. The pages about groups below administration/ belong to groups."""

from django.urls import path

from accounts.views import account, administration, invitation, passkeys, sign_in

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/code/", sign_in.code, name="code"),
    path("sign-in/passkey/", passkeys.sign_in, name="sign_in_passkey"),
    path("sign-in/passkey/challenge/", passkeys.sign_in_challenge, name="sign_in_challenge"),
    path("sign-in/code/passkey/", passkeys.second_factor, name="second_factor_passkey"),
    path("sign-in/first-passkey/", passkeys.first, name="first_passkey"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("invitation/<str:secret>/", invitation.accept_invitation, name="accept_invitation"),
    path("welcome/password/", invitation.password, name="welcome_password"),
    path("welcome/authenticator/", invitation.authenticator, name="welcome_authenticator"),
    path("welcome/passkey/", invitation.passkey, name="welcome_passkey"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/security/", account.security, name="security"),
    path("account/security/recovery-codes/", account.new_recovery_codes, name="new_recovery_codes"),
    path("account/security/authenticator/", account.replace_authenticator, name="replace_authenticator"),
    path("account/security/authenticator/new/", account.new_authenticator, name="new_authenticator"),
    path("account/security/authenticator/remove/", passkeys.remove_authenticator, name="remove_authenticator"),
    path("account/security/passkeys/new/", passkeys.new, name="new_passkey"),
    path("account/security/passkeys/add/", passkeys.add, name="add_passkey"),
    path("account/security/passkeys/<int:passkey_id>/remove/", passkeys.remove, name="remove_passkey"),
    path("account/step-up/", passkeys.step_up_challenge, name="step_up_challenge"),
    path("account/sessions/others/revoke/", account.revoke_other_sessions, name="revoke_other_sessions"),
    path("account/sessions/<uuid:session_id>/revoke/", account.revoke_session, name="revoke_session"),
    path("account/recovery/refuse/", account.refuse_recovery, name="refuse_recovery"),
    path("account/tokens/", account.tokens, name="tokens"),
    path("account/tokens/<uuid:token_id>/revoke/", account.revoke_token, name="revoke_token"),
    path("administration/", administration.overview, name="administration"),
    path("administration/administrations/", administration.administrations, name="administrations"),
    path("administration/administrations/new/", administration.administration, name="new_administration"),
    path(
        "administration/administrations/<uuid:administration_id>/",
        administration.administration,
        name="change_administration",
    ),
    path("administration/officers/", administration.officers, name="officers"),
    path("administration/officers/new/", administration.new_officer, name="new_officer"),
    path("administration/officers/<uuid:officer_id>/", administration.officer, name="officer"),
    path(
        "administration/officers/<uuid:officer_id>/deactivate/",
        administration.deactivate_officer,
        name="deactivate_officer",
    ),
    path(
        "administration/officers/<uuid:officer_id>/activate/",
        administration.activate_officer,
        name="activate_officer",
    ),
    path("administration/officers/<uuid:officer_id>/reset/", administration.reset_officer, name="reset_officer"),
    path(
        "administration/officers/<uuid:officer_id>/reset/confirm/",
        administration.confirm_reset,
        name="confirm_reset",
    ),
    path("administration/officers/<uuid:officer_id>/reset/draw/", administration.draw_reset, name="draw_reset"),
    path(
        "administration/officers/<uuid:officer_id>/reset/withdraw/",
        administration.withdraw_reset,
        name="withdraw_reset",
    ),
    path(
        "administration/officers/<uuid:officer_id>/invitation/",
        administration.renew_invitation,
        name="renew_invitation",
    ),
    path("administration/invitations/", administration.invitations, name="invitations"),
    path(
        "administration/invitations/<uuid:invitation_id>/withdraw/",
        administration.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("administration/client-systems/", administration.client_systems, name="client_systems"),
    path(
        "administration/client-systems/<uuid:token_id>/revoke/",
        administration.revoke_client_token,
        name="revoke_client_token",
    ),
]
