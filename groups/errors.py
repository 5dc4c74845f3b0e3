"""The refusals of groups. A stranger is told what anybody is told about a group that never was."""

from __future__ import annotations

from problems import Refusal


class Stranger(Refusal):
    """There is no such group, or you are not a member of it."""

    code = "not_found"
    status = 404


class NotAllowed(Refusal):
    """Your role in this group does not allow this."""

    code = "not_allowed"
    status = 403


class OperationClosed(Refusal):
    """This operation is closed or read-only: nothing can be written any more."""

    code = "operation_closed"
    status = 409


class PhaseForbids(Refusal):
    """The operation's phase does not allow this."""

    code = "phase_forbids"
    status = 409


class BadMove(Refusal):
    """This change of phase is not possible from here."""

    code = "bad_phase_move"
    status = 409


class AlreadyMember(Refusal):
    """This officer is a member already."""

    code = "already_member"
    status = 409


class LastCoordinator(Refusal):
    """A group keeps at least one coordinator: name another one first."""

    code = "last_coordinator"
    status = 409


class CountryInUse(Refusal):
    """Members of this country still take part: end their memberships first."""

    code = "country_in_use"
    status = 409


class CountryNotInGroup(Refusal):
    """This country does not take part in the group: add the country first."""

    code = "country_not_in_group"
    status = 409


class CountryTakesPart(Refusal):
    """This country takes part already."""

    code = "country_takes_part"
    status = 409


class NotContactPoint(Refusal):
    """A country's contact point is a member of that country with this role."""

    code = "not_contact_point"
    status = 409


class AdministratorCannotJoin(Refusal):
    """Platform administrators read no content: they cannot be members of a group."""

    code = "administrator_cannot_join"
    status = 409


class OfficerInactive(Refusal):
    """This officer's account is not active."""

    code = "officer_inactive"
    status = 409


class OfficerNotThereYet(Refusal):
    """This account is not open yet, and its link is in other hands: try again once its officer has opened it."""

    code = "officer_not_there_yet"
    status = 409


class NoSuchMember(Refusal):
    """There is no such member in this group."""

    code = "no_such_member"
    status = 404


class CodeTaken(Refusal):
    """Another group has this code: choose another one."""

    code = "code_taken"
    status = 409


class RetentionRuns(Refusal):
    """The retention time after closing has not passed yet: the group cannot be archived now."""

    code = "retention_runs"
    status = 409


class InvalidSettings(Refusal):
    """Some settings are at fault."""

    code = "invalid"
    status = 422


class InvitationAccepted(Refusal):
    """This officer has opened the account already."""

    code = "invitation_accepted"
    status = 409


class InvitationNotYours(Refusal):
    """Only a platform administrator can invite this officer again."""

    code = "invitation_not_yours"
    status = 409


class TrailNotSealed(Refusal):
    """This entry is not sealed yet, so it has no proof: try again in a moment."""

    code = "trail_not_sealed"
    status = 409
