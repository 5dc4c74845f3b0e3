"""What each act is called on the page of the trail. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.actions import Action

ACTION_TEXT: Mapping[str, Promise] = {
    Action.OFFICER_SIGNED_IN: _("Sign-in"),
    Action.OFFICER_SIGN_IN_FAILED: _("Sign-in refused"),
    Action.OFFICER_SIGNED_OUT: _("Sign-out"),
    Action.SESSION_REVOKED: _("Session ended"),
    Action.FACTOR_ADDED: _("Second factor added"),
    Action.FACTOR_REMOVED: _("Second factor removed"),
    Action.FACTOR_RESET: _("Second factor reset"),
    Action.RECOVERY_CODES_MADE: _("Recovery codes made"),
    Action.RECOVERY_CODE_USED: _("Recovery code used"),
    Action.SESSION_LOWERED: _("Session waits for a passkey"),
    Action.STEP_UP_PROVEN: _("Second factor shown again for an act"),
    Action.STEP_UP_REFUSED: _("Second factor refused for an act"),
    Action.RECOVERY_OPENED: _("Recovery opened"),
    Action.RECOVERY_CONFIRMED: _("Recovery confirmed by a second person"),
    Action.RECOVERY_DRAWN: _("Link of a recovery drawn"),
    Action.RECOVERY_WITHDRAWN: _("Recovery withdrawn"),
    Action.PASSWORD_CHANGED: _("Password changed"),
    Action.OFFICER_CREATED: _("Officer created"),
    Action.OFFICER_CHANGED: _("Officer changed"),
    Action.OFFICER_DEACTIVATED: _("Account shut"),
    Action.OFFICER_ACTIVATED: _("Account opened again"),
    Action.OFFICER_INVITED: _("Officer invited"),
    Action.INVITATION_ACCEPTED: _("Invitation accepted"),
    Action.INVITATION_WITHDRAWN: _("Invitation withdrawn"),
    Action.ADMINISTRATION_CREATED: _("Administration created"),
    Action.ADMINISTRATION_CHANGED: _("Administration changed"),
    Action.TOKEN_CREATED: _("Token created"),
    Action.TOKEN_REVOKED: _("Token revoked"),
    Action.GROUP_CREATED: _("Group created"),
    Action.GROUP_CHANGED: _("Settings changed"),
    Action.GROUP_NOMINAL_SET: _("Data about persons switched"),
    Action.GROUP_PHASE_CHANGED: _("Phase changed"),
    Action.GROUP_COUNTRY_ADDED: _("Country added"),
    Action.GROUP_COUNTRY_REMOVED: _("Country removed"),
    Action.GROUP_CONTACT_POINT_SET: _("Contact point set"),
    Action.GROUP_MEMBER_ADDED: _("Member added"),
    Action.GROUP_MEMBER_ROLE_CHANGED: _("Role changed"),
    Action.GROUP_MEMBER_REMOVED: _("Member removed"),
    Action.GROUP_KEY_CREATED: _("Key made"),
    Action.GROUP_KEY_DESTROYED: _("Key destroyed"),
    Action.GROUP_EPOCH_STARTED: _("New key epoch"),
    Action.GROUP_STREAM_RENEWED: _("Events lost, stream begun anew"),
    Action.FORM_DRAFT_SAVED: _("Form draft saved"),
    Action.FORM_DRAFT_DISCARDED: _("Form draft discarded"),
    Action.FORM_TEMPLATE_PUBLISHED: _("Form published"),
    Action.FORM_MODE_CHOSEN: _("Form mode chosen"),
    Action.MESSAGE_POSTED: _("Message sent"),
    Action.MESSAGE_ACKNOWLEDGED: _("Message acknowledged"),
    Action.MESSAGE_STATUS_MOVED: _("Status moved"),
    Action.MESSAGES_SEARCHED: _("Messages searched"),
    Action.MESSAGES_IMPORTED: _("Messages imported"),
    Action.ATTACHMENT_UPLOADED: _("File uploaded"),
    Action.ATTACHMENT_CHECKED: _("File checked"),
    Action.ATTACHMENT_READ: _("File read"),
    Action.ATTACHMENT_REMOVED: _("File removed"),
    Action.TRANSFER_STARTED: _("Transfer started"),
    Action.TRANSFER_FINISHED: _("Transfer finished"),
    Action.TRANSFER_ROW_RESOLVED: _("Record of a transfer decided"),
    Action.TRANSFER_MAPPING_CHANGED: _("Mapping to CEN changed"),
    Action.TRANSFER_AUTOMATIC_SET: _("Daily transfer set"),
    Action.CEN_SEARCHED: _("CEN searched"),
    Action.CEN_EXPORTED: _("CEN downloaded"),
    Action.CEN_INTAKE: _("Records taken into CEN"),
    Action.ROOT_KEY_ROTATED: _("Root key replaced"),
    Action.TRAIL_READ: _("Audit trail read"),
    Action.TRAIL_PROVEN: _("Proof of an entry taken"),
}
SOURCE_TEXT: Mapping[str, Promise] = {
    "account": _("Accounts"),
    "group": _("Group"),
    "form": _("Forms"),
    "message": _("Messages"),
    "transfer": _("Transfer to CEN"),
    "cen": _("CEN"),
    "platform": _("Platform"),
    "audit": _("Audit trail"),
}


def action_text(action: str) -> str:
    """Return what an act is called in the reader's language; one that was renamed since keeps its old name."""
    return str(ACTION_TEXT.get(action, action))
