"""Addresses of nomenclature."""

from django.urls import path

from nomenclature import views

app_name = "nomenclature"
urlpatterns = [path("search", views.search, name="search")]
