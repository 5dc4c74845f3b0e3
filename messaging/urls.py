"""Addresses of messaging."""

from django.urls import path

from messaging.views import console, seizure, situation

app_name = "messaging"
urlpatterns = [
    path("groups/<uuid:group_id>/", console.console, name="console"),
    path("groups/<uuid:group_id>/figures/", console.figures, name="figures"),
    path("groups/<uuid:group_id>/seizure/", seizure.seizure, name="seizure"),
    path("groups/<uuid:group_id>/situation/", situation.situation, name="situation"),
    path("groups/<uuid:group_id>/messages/<uuid:message_id>/", console.record, name="record"),
]
