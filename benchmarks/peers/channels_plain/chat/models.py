"""One row per message."""

from __future__ import annotations

from django.db import models


class Chat(models.Model):
    """A message of the tutorial's chat."""

    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "chat"

    def __str__(self) -> str:
        return str(self.pk)
