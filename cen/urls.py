"""The pages of CEN, below /cen/."""

from django.urls import path

from cen import downloads, views

app_name = "cen"

urlpatterns = [
    path("", views.search, name="search"),
    path("facets", views.facets, name="facets"),
    path("charts/", views.charts, name="charts"),
    path("charts/data", views.chart_data, name="chart_data"),
    path("download/csv", downloads.download_csv, name="download_csv"),
    path("download/xlsx", downloads.download_xlsx, name="download_xlsx"),
    path("<str:reference>/", views.seizure, name="seizure"),
]
