"""What the story needs of a browser: requests, cookies, redirects, and reading a form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import Morsel, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import urllib3

__all__ = ["Answer", "Browser", "Form", "query_of"]

_MOST_REDIRECTS: Final = 8
_CHALLENGE: Final = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Its body and headers may hold tokens, so they are not shown."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def challenge(self) -> dict[str, str]:
        """The parameters of ``WWW-Authenticate`` (RFC 6750 3)."""
        return dict(_CHALLENGE.findall(self.headers.get("www-authenticate", "")))

    @property
    def refusal(self) -> str:
        """``401 invalid_token token_expired``, or just the status."""
        words = (self.challenge.get("error") or self.json.get("error"), self.json.get("reason"))
        return " ".join((str(self.status), *dict.fromkeys(str(word) for word in words if word)))


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and its fields."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict, repr=False)
    kinds: dict[str, str] = field(default_factory=dict)


class Browser:
    """Keeps cookies and follows redirects, as far as one person's sign-in needs it."""

    def __init__(self) -> None:
        self._http = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=2, read=10)
        )
        self._cookies: dict[str, Morsel[str]] = {}

    @property
    def cookies(self) -> Mapping[str, Morsel[str]]:
        return self._cookies

    def close(self) -> None:
        self._http.clear()

    def send(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        text: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request without cookies and without following redirects: what a page's ``fetch`` does."""
        body = urlencode(form) if form is not None else text
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        answer = self._http.request(
            method, url, body=body, headers={**kind, **(headers or {})}, redirect=False, retries=False
        )
        for line in answer.headers.getlist("set-cookie"):
            self._remember(line)
        return Answer(url, answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.data)

    def visit(self, url: str, *, form: Mapping[str, str] | None = None, until: str) -> Answer:
        """Go to ``url`` with cookies and follow redirects up to the address that begins with ``until``.

        A redirect there is not followed: the answer's ``url`` is that address, with its query.
        """
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        for _ in range(_MOST_REDIRECTS):
            headers = {"Cookie": "; ".join(f"{name}={m.coded_value}" for name, m in self._cookies.items())}
            if form is not None:
                headers["Origin"] = origin
            answer = self.send("GET" if form is None else "POST", url, form=form, headers=headers)
            location = answer.headers.get("location")
            if location is None:
                return answer
            url, form = urljoin(url, location), None  # 303: the next one is a GET
            if url.startswith(until):
                return Answer(url, answer.status, answer.headers, b"")
        raise RuntimeError("too many redirects")

    def submit(self, page: Answer, fields: Mapping[str, str], *, until: str) -> Answer:
        """Fill in the first form of ``page`` and send it."""
        form = form_of(page)
        return self.visit(urljoin(page.url, form.action), form={**form.fields, **fields}, until=until)

    def _remember(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0" or not morsel.value:
                self._cookies.pop(name, None)
            else:
                self._cookies[name] = morsel


def form_of(page: Answer) -> Form:
    """The first form of a page.

    :raises LookupError: there is none.
    """
    reader = _FormReader()
    reader.feed(page.body.decode())
    if reader.form is None:
        raise LookupError(f"{urlsplit(page.url).path} answered {page.status} without a form")
    return reader.form


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None:
            self.form, self._inside = Form(given.get("action", ""), given.get("method", "get")), True
        elif tag == "input" and self._inside and self.form is not None and "name" in given:
            self.form.fields[given["name"]] = given.get("value", "")
            self.form.kinds[given["name"]] = given.get("type", "text")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
