"""Flask's own ways: init_app, configuration, several applications, coroutine views."""

from __future__ import annotations

import pytest
from flask import Flask

from frameworks.calling import call_wsgi
from frameworks.request_table import bearer, make_server, mint
from mintmark.errors import ConfigurationError
from mintmark.frameworks.flask import Protect, claims


def test_one_extension_serves_several_applications() -> None:
    protect = Protect()

    @protect("orders:read")
    def view() -> str:
        return claims.subject or ""

    answers = []
    for audience in ("orders", "billing"):
        app = Flask(__name__)
        app.config |= {"MINTMARK_ISSUER": "https://auth.example.com", "MINTMARK_AUDIENCE": audience}
        protect.init_app(app)
        app.add_url_rule("/", view_func=view)
        answers.append(call_wsgi(app, "GET", "/").header("www-authenticate"))
    assert answers == ['Bearer realm="orders"', 'Bearer realm="billing"']


def test_an_application_that_says_nothing_is_told_what_to_say() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Protect(app=Flask(__name__))
    assert "MINTMARK_ISSUER" in (caught.value.hint or "")


def test_claims_exist_only_in_a_protected_view() -> None:
    app = Flask(__name__)
    protect = Protect(resource_server=make_server(), app=app)

    @app.get("/orders")
    @protect()
    def orders() -> dict[str, str]:
        return {"aud": claims["aud"]}

    with app.test_request_context("/open", headers=dict(bearer(mint()))), pytest.raises(ConfigurationError):
        claims.get("sub")
    assert call_wsgi(app, "GET", "/orders", bearer(mint())).body == b'{"aud":"orders"}\n'
