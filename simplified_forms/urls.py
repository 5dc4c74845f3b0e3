"""Addresses of the template builder."""

from django.urls import URLPattern

app_name = "simplified_forms"
urlpatterns: list[URLPattern] = []
