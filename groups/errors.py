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
    """The operation's phase does not allow this yet."""

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
