"""Flask: people sign in, and their tokens stay here. (A page of one line, to be short.)"""

from __future__ import annotations

import os
from wsgiref.simple_server import make_server

from flask import Flask, render_template_string

from mintmark import Key
from mintmark.frameworks.sign_in.flask import SignIn, session

PORT = int(os.environ.get("PORT", "8720"))
PAGE = """<p>Signed in: {{ session.subject }}</p><form method="post" action="/sign-out">
<input type="hidden" name="csrf_token" value="{{ session.csrf_token }}"><button>Sign out</button></form>"""

app = Flask(__name__)
sign_in = SignIn(
    os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"),
    "shop",
    f"http://127.0.0.1:{PORT}/callback",
    client_secret=os.environ["SHOP_SECRET"],
    cookie_key=Key.generate("A256GCM"),  # keep one, or people are signed out at each start
    app=app,
)


@app.get("/")
@sign_in.required
def home() -> str:
    return render_template_string(PAGE, session=session)


if __name__ == "__main__":
    with make_server("127.0.0.1", PORT, app) as httpd:
        print(f"http://127.0.0.1:{PORT}", flush=True)
        httpd.serve_forever()
