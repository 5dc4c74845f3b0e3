"""Letters to an officer about his own account: that something was done to it, and when. No content, link or name.

Whoever took an account over changes what is shown inside it; a letter reaches its owner elsewhere. The row is the
queue: a letter is asked for in the transaction of the act, and the worker sends it. What must not live here: acts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts.models import DEMO_DOMAIN, Officer

# A mail server that is away gets it later: after 5 seconds, 25, and so on, the last time after some 27 hours.
RETRY = RetryStrategy(max_attempts=7, exponential_wait=5)
NOWHERE = "django.core.mail.backends.dummy.EmailBackend"


class News(StrEnum):
    """What was done."""

    FACTORS_CHANGED = "factors-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - news, no password
    RECOVERY_OPENED = "recovery-opened"
    RECOVERY_CONFIRMED = "recovery-confirmed"


TEXT = {
    News.FACTORS_CHANGED: gettext_lazy("A second factor or the recovery codes of your account were changed."),
    News.PASSWORD_CHANGED: gettext_lazy("The password of your account was changed."),
    News.RECOVERY_OPENED: gettext_lazy(
        "Somebody said that you have lost your ways to sign in, and asks for you to be let in anew. Nothing has"
        " changed yet. If this is wrong, sign in and withdraw it under Account, Security."
    ),
    News.RECOVERY_CONFIRMED: gettext_lazy(
        "Two people have agreed to let you in anew: your former password, second factors, sessions and tokens are"
        " worth nothing any more."
    ),
}


def tell(officer_id: UUID, news: News) -> None:
    """Let an officer be told by mail, where this installation sends any; in the caller's transaction."""
    if settings.MAILERS["default"]["BACKEND"] != NOWHERE:
        send_letter.defer(officer=str(officer_id), news=news.value, at=timezone.now().isoformat())


@app.task(name="accounts.send_letter", queue="letters", retry=RETRY)
def send_letter(officer: str, news: str, at: str) -> None:
    """Send one letter in the officer's language. Invented people get none."""
    found = Officer.objects.filter(pk=officer).first()
    if found is None or found.email.endswith(DEMO_DOMAIN):
        return
    with translation.override(found.language):
        moment = datetime.fromisoformat(at).astimezone(UTC)
        body = "\n\n".join(
            (
                str(TEXT[News(news)]),
                _("This was on %(at)s UTC.") % {"at": f"{moment:%Y-%m-%d %H:%M}"},
                _("If it was not you, speak with your coordinator or contact point at once, by telephone."),
            )
        )
        subject = _("CENcomm: your account")
    EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [found.email]).send()
