"""Oscar's pages and its files. The shop's photographs are served in front of it."""

from django.apps import apps
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("static/<path:path>", serve_static, {"insecure": True}),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
