"""Every address of the product. Each app names its own below its prefix; the API is mounted once."""

from __future__ import annotations

from functools import partial

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views import defaults
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView
from django.views.i18n import JavaScriptCatalog

from accounts.views.sign_in import set_language
from cencomm.api import api
from cencomm.middleware import server_error
from cencomm.reference import reference

handler400 = partial(defaults.bad_request, template_name="errors/400.html")
handler403 = partial(defaults.permission_denied, template_name="errors/403.html")
handler404 = partial(defaults.page_not_found, template_name="errors/404.html")
handler500 = server_error

urlpatterns = [
    path("", require_safe(RedirectView.as_view(pattern_name="groups:mine")), name="home"),
    path("health/", include("cencomm.health")),
    path("api/v1/docs", reference, name="reference"),
    path("api/v1/", api.urls),
    path("language/", set_language, name="set_language"),
    path("language/catalog.js", login_not_required(JavaScriptCatalog.as_view()), name="javascript-catalog"),
    path("nomenclature/", include("nomenclature.urls")),
    path("cen/", include("cen.urls")),
    path("", include("accounts.urls")),
    path("", include("groups.urls")),
    path("", include("simplified_forms.urls")),
    path("", include("messaging.urls")),
    path("", include("exports.urls")),
]
