"""Starlette: people sign in, and their tokens stay here. (A page of one line, to be short.)"""

from __future__ import annotations

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from mintmark import Key
from mintmark.frameworks.sign_in.starlette import SignIn

PORT = int(os.environ.get("PORT", "8720"))
PAGE = """<p>Signed in: {}</p><form method="post" action="/sign-out">
<input type="hidden" name="csrf_token" value="{}"><button>Sign out</button></form>"""

sign_in = SignIn(
    os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"),
    "shop",
    f"http://127.0.0.1:{PORT}/callback",
    client_secret=os.environ["SHOP_SECRET"],
    cookie_key=Key.generate("A256GCM"),  # keep one, or people are signed out at each start
)


@sign_in.required
async def home(request: Request) -> HTMLResponse:
    session = sign_in.session(request)
    return HTMLResponse(PAGE.format(session.subject, session.csrf_token))


app = Starlette(routes=[Route("/", home)])
sign_in.install(app)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT)
