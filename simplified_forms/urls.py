"""Addresses of the template builder."""

from django.urls import path

from simplified_forms import views

app_name = "simplified_forms"
urlpatterns = [
    path("groups/<uuid:group_id>/templates/", views.templates, name="templates"),
    path("groups/<uuid:group_id>/templates/form-mode/", views.form_mode, name="form_mode"),
    path(
        "groups/<uuid:group_id>/templates/versions/<uuid:template_id>/",
        views.template_version,
        name="template_version",
    ),
    path("groups/<uuid:group_id>/templates/<slug:kind>/", views.template_draft, name="template_draft"),
    path("groups/<uuid:group_id>/templates/<slug:kind>/preview/", views.preview, name="preview"),
]
