"""The one enum of auditable acts. A name is `source:subject:action`; add yours in your section, remove none."""

from django.db import models


class Action(models.TextChoices):
    """What an audit entry says was done."""

    # accounts
    OFFICER_SIGNED_IN = "account:session:started"
    OFFICER_SIGN_IN_FAILED = "account:session:refused"
    OFFICER_SIGNED_OUT = "account:session:ended"
    SESSION_REVOKED = "account:session:revoked"
    FACTOR_ADDED = "account:factor:added"
    FACTOR_REMOVED = "account:factor:removed"
    FACTOR_RESET = "account:factor:reset"
    RECOVERY_CODES_MADE = "account:recovery-codes:made"
    RECOVERY_CODE_USED = "account:recovery-code:used"
    SESSION_LOWERED = "account:session:lowered"
    STEP_UP_PROVEN = "account:step-up:proven"
    STEP_UP_REFUSED = "account:step-up:refused"
    RECOVERY_OPENED = "account:recovery:opened"
    RECOVERY_CONFIRMED = "account:recovery:confirmed"
    RECOVERY_DRAWN = "account:recovery:drawn"
    RECOVERY_WITHDRAWN = "account:recovery:withdrawn"
    PASSWORD_CHANGED = "account:password:changed"  # noqa: S105
    OFFICER_CREATED = "account:officer:created"
    OFFICER_CHANGED = "account:officer:changed"
    OFFICER_DEACTIVATED = "account:officer:deactivated"
    OFFICER_ACTIVATED = "account:officer:activated"
    OFFICER_INVITED = "account:invitation:made"
    INVITATION_ACCEPTED = "account:invitation:accepted"
    INVITATION_WITHDRAWN = "account:invitation:withdrawn"
    ADMINISTRATION_CREATED = "account:administration:created"
    ADMINISTRATION_CHANGED = "account:administration:changed"
    TOKEN_CREATED = "account:token:created"  # noqa: S105
    TOKEN_REVOKED = "account:token:revoked"  # noqa: S105

    # groups
    GROUP_CREATED = "group:group:created"
    GROUP_CHANGED = "group:group:changed"
    GROUP_NOMINAL_SET = "group:nominal:set"
    GROUP_PHASE_CHANGED = "group:phase:changed"
    GROUP_COUNTRY_ADDED = "group:country:added"
    GROUP_COUNTRY_REMOVED = "group:country:removed"
    GROUP_CONTACT_POINT_SET = "group:contact-point:set"
    GROUP_MEMBER_ADDED = "group:member:added"
    GROUP_MEMBER_ROLE_CHANGED = "group:member:role-changed"
    GROUP_MEMBER_REMOVED = "group:member:removed"
    GROUP_KEY_CREATED = "group:key:created"
    GROUP_KEY_DESTROYED = "group:key:destroyed"
    GROUP_EPOCH_STARTED = "group:key:epoch-started"
    GROUP_STREAM_RENEWED = "group:stream:renewed"

    # simplified forms
    FORM_DRAFT_SAVED = "form:draft:saved"
    FORM_DRAFT_DISCARDED = "form:draft:discarded"
    FORM_TEMPLATE_PUBLISHED = "form:template:published"
    FORM_MODE_CHOSEN = "form:mode:chosen"

    # messaging
    MESSAGE_POSTED = "message:message:posted"
    MESSAGE_ACKNOWLEDGED = "message:message:acknowledged"
    MESSAGE_STATUS_MOVED = "message:status:moved"
    MESSAGES_SEARCHED = "message:search:read"
    MESSAGES_IMPORTED = "message:import:made"
    ATTACHMENT_UPLOADED = "message:attachment:uploaded"
    ATTACHMENT_CHECKED = "message:attachment:checked"
    ATTACHMENT_READ = "message:attachment:read"
    ATTACHMENT_REMOVED = "message:attachment:removed"

    # exports
    TRANSFER_STARTED = "transfer:batch:started"
    TRANSFER_FINISHED = "transfer:batch:finished"
    TRANSFER_ROW_RESOLVED = "transfer:row:resolved"
    TRANSFER_MAPPING_CHANGED = "transfer:mapping:changed"
    TRANSFER_AUTOMATIC_SET = "transfer:automatic:set"

    # cen
    CEN_SEARCHED = "cen:search:read"
    CEN_EXPORTED = "cen:export:read"
    CEN_INTAKE = "cen:intake:taken"

    # platform
    ROOT_KEY_ROTATED = "platform:root-key:rotated"

    # audit
    TRAIL_READ = "audit:trail:read"
    TRAIL_PROVEN = "audit:entry:proven"
