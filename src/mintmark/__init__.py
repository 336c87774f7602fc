"""mintmark: JSON Web Tokens, whole.

::

    from mintmark import Issuer, Key, Verifier

    key = Key.generate("ES256")
    token = Issuer("https://auth.example.com", key).issue(subject="alice", audience="orders", lifetime=600)
    claims = Verifier(issuer="https://auth.example.com", audience="orders", keys=key.public).verify(token)

This is the front door of the library. Names are loaded when they are first used, so that importing the
package costs nothing before.
"""

from __future__ import annotations

from mintmark._lazy import load_on_use
from mintmark._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mintmark import errors
    from mintmark.errors import MintmarkError
    from mintmark.jose import jwe, jws
    from mintmark.jose.jwk import Key
    from mintmark.jose.jwks import KeySet
    from mintmark.jwt.claims import Claims
    from mintmark.jwt.inspection import Unverified, inspect
    from mintmark.jwt.issuer import Issuer
    from mintmark.jwt.policy import UNCHECKED
    from mintmark.jwt.profiles import ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, SignIn
    from mintmark.jwt.verifier import Verifier
    from mintmark.jwt.verifiers import Verifiers

__all__ = [
    "ACCESS_TOKEN",
    "ID_TOKEN",
    "LOGOUT_TOKEN",
    "UNCHECKED",
    "Claims",
    "Issuer",
    "Key",
    "KeySet",
    "MintmarkError",
    "SignIn",
    "Unverified",
    "Verifier",
    "Verifiers",
    "__version__",
    "errors",
    "inspect",
    "jwe",
    "jws",
]

_HOMES = {
    "ACCESS_TOKEN": "mintmark.jwt.profiles.access_token",
    "Claims": "mintmark.jwt.claims",
    "ID_TOKEN": "mintmark.jwt.profiles.id_token",
    "Issuer": "mintmark.jwt.issuer",
    "Key": "mintmark.jose.jwk",
    "KeySet": "mintmark.jose.jwks",
    "LOGOUT_TOKEN": "mintmark.jwt.profiles.logout_token",
    "MintmarkError": "mintmark.errors",
    "SignIn": "mintmark.jwt.profiles.id_token",
    "UNCHECKED": "mintmark.jwt.policy",
    "Unverified": "mintmark.jwt.inspection",
    "Verifier": "mintmark.jwt.verifier",
    "Verifiers": "mintmark.jwt.verifiers",
    "errors": "mintmark.errors",
    "inspect": "mintmark.jwt.inspection",
    "jwe": "mintmark.jose.jwe",
    "jws": "mintmark.jose.jws",
}
if not TYPE_CHECKING:  # a type checker takes the imports above, and knows that there are no other names
    __getattr__ = load_on_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
