"""FastAPI: people sign in, and their tokens stay here. (A page of one line, to be short.)"""

from __future__ import annotations

import os
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from mintmark import Key
from mintmark.client.sign_in import Session
from mintmark.frameworks.sign_in.starlette import SignIn

PORT = int(os.environ.get("PORT", "8720"))
PAGE = """<p>Signed in: {}</p><form method="post" action="/sign-out">
<input type="hidden" name="csrf_token" value="{}"><button>Sign out</button></form>"""

app = FastAPI()
sign_in = SignIn(
    os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"),
    "shop",
    f"http://127.0.0.1:{PORT}/callback",
    client_secret=os.environ["SHOP_SECRET"],
    cookie_key=Key.generate("A256GCM"),  # keep one, or people are signed out at each start
)
sign_in.install(app)


@app.get("/")
async def home(who: Annotated[Session, Depends(sign_in)]) -> HTMLResponse:
    return HTMLResponse(PAGE.format(who.subject, who.csrf_token))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT)
