"""Django's view of this package."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to groups (their changes belong into the stream) and to accounts (a revoked session is closed)."""
        from accounts import revocations
        from groups import announcements
        from messaging.events import append_change
        from messaging.forgetting import forget_opened
        from messaging.queries import card_facts
        from messaging.wakeups import tell_revoked
        from vault import on_key_forgotten

        on_key_forgotten(forget_opened)
        announcements.on_change(append_change)
        announcements.provide_card_facts(card_facts)
        revocations.on_revoked(tell_revoked)
