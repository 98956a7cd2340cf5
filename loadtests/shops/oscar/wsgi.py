"""Oscar, and its photographs as a web server in front of it would send them: without a session."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

# Thumbnails appear while the shop runs.
application = WhiteNoise(get_wsgi_application(), autorefresh=True)
application.add_files(settings.MEDIA_ROOT, prefix="media/")
