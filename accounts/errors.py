"""The refusals of accounts. None tells whether a name, a link or a token exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from problems import Refusal


class WrongSignIn(Refusal):
    """The e-mail address or the password is wrong."""

    code = "wrong_sign_in"
    status = 401


class WrongCode(Refusal):
    """This code is wrong or was used already. Wait for the next one."""

    code = "wrong_code"
    status = 401


class SignInOvertaken(Refusal):
    """Your ways to sign in have just been changed. Sign in again."""

    code = "sign_in_overtaken"
    status = 401


class TooManyTries(Refusal):
    """Too many tries. Wait a moment, then try again."""

    code = "too_many_tries"
    status = 429

    def __init__(self, retry_after: int = 60) -> None:
        super().__init__()
        self.retry_after = retry_after


class InvitationInvalid(Refusal):
    """This invitation link is used up, withdrawn or too old. Ask for a new one."""

    code = "invitation_invalid"
    status = 410


class BadPassword(Refusal):
    """This password is not accepted."""

    code = "bad_password"
    status = 422


class OfficerExists(Refusal):
    """There is an officer with this e-mail address already."""

    code = "officer_exists"
    status = 409


class AdministrationExists(Refusal):
    """This country has an administration of this name already."""

    code = "administration_exists"
    status = 409


class NotYourself(Refusal):
    """You cannot do this to your own account: ask another administrator."""

    code = "not_yourself"
    status = 409


class AdministratorsOnly(Refusal):
    """Only platform administrators may do this."""

    code = "administrators_only"
    status = 403


class NoSuchObject(Refusal):
    """There is nothing here, or nothing that you may see."""

    code = "not_found"
    status = 404


class BadToken(Refusal):
    """A token needs a name, known scopes, exactly one owner and an end in the future."""

    code = "bad_token"
    status = 422


class ScopeMissing(Refusal):
    """This token does not carry the scope that this needs."""

    code = "scope_missing"
    status = 403


class WrongPasskey(Refusal):
    """This passkey was not accepted."""

    code = "wrong_passkey"
    status = 401


class ChallengeExpired(Refusal):
    """This took too long, or was meant for something else. Begin again."""

    code = "challenge_expired"
    status = 403


class PasskeyNeeded(Refusal):
    """Your role asks for your passkey here; a code is not enough."""

    code = "passkey_needed"
    status = 403


class PasskeyExists(Refusal):
    """This passkey is registered already."""

    code = "passkey_exists"
    status = 409


class LastFactor(Refusal):
    """This is your last second factor: register another one first."""

    code = "last_factor"
    status = 409


class StepUpRequired(Refusal):
    """Show your second factor again for this."""

    code = "step_up_required"
    status = 403

    def __init__(self, step_up: Mapping[str, Any], detail: str = "", *, back: str = "/") -> None:
        super().__init__(detail)
        self.step_up = step_up
        self.back = back

    def as_problem(self) -> dict[str, object]:
        return {**super().as_problem(), "step_up": dict(self.step_up)}


class StepUpRefused(StepUpRequired):
    """This second factor was not accepted for this."""

    code = "step_up_refused"


class StepUpImpossible(Refusal):
    """This asks for a person's second factor at that moment: a token cannot do it."""

    code = "step_up_impossible"
    status = 403


class RecoveryNotOpen(Refusal):
    """This recovery was confirmed, withdrawn or has run out."""

    code = "recovery_not_open"
    status = 409


class NotBySamePerson(Refusal):
    """Two different people must agree: somebody else has to confirm this."""

    code = "not_by_same_person"
    status = 409


class FactorMissing(Refusal):
    """This account has no second factor: ask for a new invitation."""

    code = "factor_missing"
    status = 403


class OpenedBefore(Refusal):
    """This account was opened before: two people let its officer in anew, by a reset."""

    code = "opened_before"
    status = 409


class CoordinatorNeeded(Refusal):
    """This officer is a member of a group: one of its coordinators has to confirm this."""

    code = "coordinator_needed"
    status = 409


class HasFactor(Refusal):
    """This officer has a second factor already. Reset the account to invite the officer again."""

    code = "has_factor"
    status = 409


class DemoOnly(Refusal):
    """This exists only for invented people, where the demo is loaded."""

    code = "demo_only"
    status = 403


class BadCsrf(Refusal):
    """This call lacks the CSRF token of its session."""

    code = "csrf"
    status = 403
