"""Django: people sign in, and their tokens stay here. (A site in one file, to be short.)"""

from __future__ import annotations

import os
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from mintmark import Key
from mintmark.frameworks.sign_in.django import SignIn

PORT = int(os.environ.get("PORT", "8720"))
PAGE = """<p>Signed in: {}</p><form method="post" action="/sign-out">
<input type="hidden" name="csrf_token" value="{}"><button>Sign out</button></form>"""

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__)
sign_in = SignIn(
    os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"),
    "shop",
    f"http://127.0.0.1:{PORT}/callback",
    client_secret=os.environ["SHOP_SECRET"],
    cookie_key=Key.generate("A256GCM"),  # keep one, or people are signed out at each start
)


@sign_in.required
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE.format(request.person.subject, request.person.csrf_token))


urlpatterns = [path("", include(sign_in.urls)), path("", home)]
if __name__ == "__main__":
    with make_server("127.0.0.1", PORT, get_wsgi_application()) as httpd:
        print(f"http://127.0.0.1:{PORT}", flush=True)
        httpd.serve_forever()
