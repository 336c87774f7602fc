"""Addresses of the application: where people are sent, and whether a request is our own pages'. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from mintmark.client.sign_in.refusals import SignInRefused
from mintmark.client.sign_in.visit import Visit
from mintmark.errors import ConfigurationError, FetchFailed
from mintmark.net import check_url

__all__ = ["Places"]

_LONGEST_RETURN = 1024
# A path of this host and nothing else: "//host", "/\host" and control characters, which browsers drop, are
# other hosts to some of them.
_PATH = re.compile(r"/(?!/)[!-~]*")
_OWN_PATH = re.compile(r"/[A-Za-z0-9._~/\-]*")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of signing in live. Nothing of it is ever read from a request's Host header.

    :param origin: scheme and host of the application, as browsers write it.
    :param home: where people go when nothing else is known.
    """

    origin: str
    callback: str
    sign_in: str
    sign_out: str
    backchannel_logout: str
    home: str

    @classmethod
    def of(cls, redirect_uri: str, sign_in: str, sign_out: str, backchannel_logout: str, home: str) -> Places:
        """Read the application's origin and callback from its redirect URI.

        :raises ConfigurationError: no https address (http is for loopback), or a path that is none.
        """
        try:
            target = check_url(redirect_uri)
        except FetchFailed as error:
            raise ConfigurationError(
                f"redirect_uri is refused. {error.message}", hint="https://app.example.com/callback"
            ) from None
        callback = urlsplit(redirect_uri).path
        paths = (callback, sign_in, sign_out, backchannel_logout)
        if "?" in redirect_uri or not all(map(_OWN_PATH.fullmatch, paths)) or len(set(paths)) < len(paths):
            raise ConfigurationError(
                "Callback, sign-in, sign-out and logout need four plain, different paths."
            )
        places = cls(target.origin, callback, sign_in, sign_out, backchannel_logout, home)
        if replace(places, home="/").return_to(home) != home:
            raise ConfigurationError("home is a path of this application that starts with one slash.")
        return places

    @property
    def is_https(self) -> bool:
        """Whether cookies can have their prefix and ``Secure``; on loopback over http they cannot."""
        return self.origin.startswith("https:")

    def return_to(self, wanted: str | None) -> str:
        """Return the path to go to after signing in; whatever is not plainly ours is the home page."""
        if wanted is None or len(wanted) > _LONGEST_RETURN or not _PATH.fullmatch(wanted) or "\\" in wanted:
            return self.home
        path = wanted.partition("?")[0].partition("#")[0]
        ours = path in (self.sign_in, self.callback, self.sign_out, self.backchannel_logout)
        return self.home if ours or "//" in path or "/." in path else wanted

    def to_sign_in(self, visit: Visit) -> str:
        """Return where a person who is not signed in is sent, to come back to this page.

        A post is not repeated: what was in it is lost, and only the person can say whether to send it again.
        """
        if visit.can_change:
            return self.sign_in
        here = f"{visit.path}?{visit.query}" if visit.query else visit.path
        back = self.return_to(here)
        return self.sign_in if back == self.home else f"{self.sign_in}?{urlencode({'return_to': back})}"

    def check_origin(self, visit: Visit) -> None:
        """Refuse a request that another site's page caused.

        Pages without a referrer send ``Origin: null`` even to their own origin; Sec-Fetch-Site tells those
        from strangers. What sends neither header is no browser of the last years.

        :raises SignInRefused: it came from elsewhere.
        """
        site, origin = visit.headers.get("sec-fetch-site"), visit.headers.get("origin")
        own = origin in (None, self.origin) or (origin == "null" and site == "same-origin")
        if site not in (None, "same-origin") or not own:
            raise SignInRefused("The request was caused by another site.", status=403, claim="origin")
