"""A second factor shown again, for one act: `require(request, Act.TRANSFER)` in the view or operation of that act.

What is proven holds for this very request (act, method, address, everything it carries), this session and this
officer, for a minute, once. A page asks on a page of its own, which sends the same request again with the proof; a
program gets 403 `step_up_required` with what to sign, and sends the same request again with the header `Step-Up`.
What must not live here: who may do the act. Gates come first, so that a stranger learns nothing by being asked.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import audit
from accounts import actions, challenges, queries
from accounts.challenges import LIFE_SECONDS, Challenge, Purpose
from accounts.errors import ChallengeExpired, StepUpImpossible, StepUpRefused, StepUpRequired, WrongPasskey
from accounts.models import Officer, OfficerSession
from accounts.passkey_policy import needs_passkey
from accounts.web_session import address_of, factor_of, officer_of, origin_of, session_of
from problems import Refusal

HEADER = "Step-Up"
STATE, PASSKEY, CODE, PASSWORD = FIELDS = (
    "step_up_state",
    "step_up_passkey",
    "step_up_code",
    "step_up_password",
)
NOT_PART_OF_IT: Final = frozenset({*FIELDS, "csrfmiddlewaretoken"})
LONGEST_PROOF = 16 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Act(StrEnum):
    """What asks for a second factor of its own."""

    TRANSFER = "transfer"
    EXPORT = "export"
    DESTROY_KEY = "destroy-key"
    NAME_COORDINATOR = "name-coordinator"
    NAME_ADMINISTRATOR = "name-administrator"
    CHANGE_FACTORS = "change-factors"
    MAKE_TOKEN = "make-token"  # noqa: S105 - an act, no token
    RECOVER = "recover"
    END_SESSIONS = "end-sessions"
    SHUT_ACCOUNT = "shut-account"


ACT_TEXT: Mapping[Act, Promise] = {
    Act.TRANSFER: _("Records go from the group into CEN."),
    Act.EXPORT: _("A file with the records of a whole search leaves CENcomm."),
    Act.DESTROY_KEY: _("The group's key is destroyed: its messages can never be read again, by anybody."),
    Act.NAME_COORDINATOR: _("This decides who coordinates a group."),
    Act.NAME_ADMINISTRATOR: _("This decides who is platform administrator."),
    Act.CHANGE_FACTORS: _("Your own second factors change."),
    Act.MAKE_TOKEN: _("A programme gets a key of its own."),
    Act.RECOVER: _("An officer who cannot sign in is let in anew."),
    Act.END_SESSIONS: _("Sessions of yours end."),
    Act.SHUT_ACCOUNT: _("An officer’s account is shut, or opened again."),
}
# To change how one signs in is to sign in anew: a code is half of that and the password the rest; a passkey is all.
WITH_PASSWORD: Final = frozenset({Act.CHANGE_FACTORS})


def require(request: HttpRequest, act: Act, *, back: str = "/") -> None:
    """Return when this request brings a fresh second factor made for it; once. `back` is where "Not now" leads.

    Raises StepUpRequired with what to sign, StepUpRefused (with a new challenge) for a proof that is replayed, of
    another request, session, officer, too old, or without user verification; StepUpImpossible for a token.
    """
    if getattr(request, "token", None) is not None:
        _note_refused(request, act, reason="token")
        raise StepUpImpossible
    officer, session = officer_of(request), session_of(request)
    if session is None:
        raise StepUpImpossible
    challenge = Challenge(Purpose.STEP_UP, officer.pk, session.pk, request_digest(request, act))
    proof = _proof_of(request)
    if proof is None:
        told = offer(officer, challenges.begin(challenge), act=act, origin=origin_of(request))
        raise StepUpRequired(told, back=back)
    try:
        factor = _prove(officer, act, proof, challenge, request)
    except Refusal as refusal:
        _note_refused(request, act, reason=refusal.code)
        told = offer(officer, challenges.begin(challenge), act=act, origin=origin_of(request))
        raise StepUpRefused(told, refusal.detail, back=back) from None
    audit.record_now(
        audit.Action.STEP_UP_PROVEN,
        actor=officer.pk,
        subject=f"session:{session.pk}",
        act=act.value,
        factor=factor,
    )


def offer(officer: Officer, state: str, *, act: Act | None, origin: str) -> dict[str, Any]:
    """Return what a person is asked for, JSON-ready: a passkey's options, whether a code is taken, the seconds."""
    options = None
    if queries.passkeys_of(officer).exists():
        options = actions.proof_options(officer, state, purpose=Purpose.STEP_UP, origin=origin)
    return {
        "act": act.value if act else None,
        "state": state,
        "passkey": options,
        "code": _takes_codes(officer, act),
        "seconds": LIFE_SECONDS[Purpose.STEP_UP],
    }


def _takes_codes(officer: Officer, act: Act | None) -> bool:
    """Whether a code can prove this: never where the role needs a passkey."""
    if needs_passkey(officer):
        return False
    # A telephone is lost: a recovery code lets its owner register another one, and nothing more.
    return act == Act.CHANGE_FACTORS or queries.authenticator(officer) is not None


def request_digest(request: HttpRequest, act: Act) -> str:
    """Return the digest of all that this request asks for: act, method, address, parameters, body.

    A page that is read (GET) asks for its act by a form: it counts as the POST that the form will send.
    """
    method = "POST" if request.method in SAFE_METHODS else request.method
    parts = [act.value, method, request.path, _pairs(request.GET), _body_of(request)]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def _body_of(request: HttpRequest) -> Any:
    forms = {"application/x-www-form-urlencoded", "multipart/form-data"}
    # Django reads forms of no other method; an operation of the API reads its body whatever that calls itself.
    if request.method == "POST" and request.content_type in forms and not _is_of_api(request):
        if request.FILES:
            raise StepUpImpossible
        return _pairs(request.POST)
    return sha256(request.body).hexdigest() if request.body else []


def _is_of_api(request: HttpRequest) -> bool:
    return request.resolver_match is not None and "api" in request.resolver_match.namespaces


def _pairs(values: Any) -> list[list[Any]]:
    return [[name, values.getlist(name)] for name in sorted(values) if name not in NOT_PART_OF_IT]


def _proof_of(request: HttpRequest) -> dict[str, Any] | None:
    """Return state and answer as the header or the form brings them; None where there is neither."""
    header = request.headers.get(HEADER)
    if header is not None:
        return _object(_decoded(header))
    if request.method in SAFE_METHODS or STATE not in request.POST:
        return None
    answer = request.POST.get(PASSKEY, "")
    return {
        "state": request.POST[STATE],
        "passkey": _object(answer) if answer else None,
        "code": request.POST.get(CODE, ""),
        "password": request.POST.get(PASSWORD, ""),
    }


def _decoded(header: str) -> str:
    if len(header) > LONGEST_PROOF:
        return ""
    try:
        return urlsafe_b64decode(header + "=" * (-len(header) % 4)).decode()
    except (Base64Error, ValueError):
        return ""


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if len(text) <= LONGEST_PROOF else None
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _prove(officer: Officer, act: Act, proof: Mapping[str, Any], challenge: Challenge, request: HttpRequest) -> str:
    """Return which factor was shown. Raises what makes it no proof."""
    state, answer, code = proof.get("state"), proof.get("passkey"), proof.get("code")
    if not isinstance(state, str):
        raise ChallengeExpired
    if isinstance(answer, dict):
        actions.prove_passkey(officer, state=state, answer=answer, challenge=challenge, origin=origin_of(request))
        return str(OfficerSession.Factor.PASSKEY.value)
    if not isinstance(code, str) or not code:
        raise WrongPasskey
    challenges.check(state, challenge)
    actions.spend_challenge(state)
    if act in WITH_PASSWORD:
        password = proof.get("password")
        actions.check_password(officer, password if isinstance(password, str) else "", address=address_of(request))
    by_code = _takes_codes(officer, act)
    by_recovery_code = by_code and act == Act.CHANGE_FACTORS
    device = actions.prove_factor(officer, code, by_authenticator=by_code, by_recovery_code=by_recovery_code)
    return factor_of(device)


def _note_refused(request: HttpRequest, act: Act, *, reason: str) -> None:
    session = session_of(request)
    audit.record_now(
        audit.Action.STEP_UP_REFUSED,
        actor=request.user.pk if isinstance(request.user, Officer) else None,
        subject=f"session:{session.pk}" if session else "",
        act=act.value,
        reason=reason,
    )
