"""Health of this process."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
