"""The protocols on one page: which endpoint takes which steps, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mintmark.authorization_server.oauth.authorize import (
    asked_for_code,
    consented,
    give_code,
    known_client,
    known_prompt,
    no_request_object,
    proof_key,
    refuse_at_authorize,
    registered_redirect_uri,
    resources_of_the_client,
    same_person_as_hinted,
    scope_of_the_client,
    signed_in,
    told_of_misuse,
)
from mintmark.authorization_server.oauth.end_session import (
    hint_of_ours,
    refuse_as_page,
    registered_return,
    signed_out,
)
from mintmark.authorization_server.oauth.endpoint import Endpoint, Reads, Refuse
from mintmark.authorization_server.oauth.feed import live_feed, signed_snapshot
from mintmark.authorization_server.oauth.flow import Step
from mintmark.authorization_server.oauth.introspect import client_with_a_secret, token_described
from mintmark.authorization_server.oauth.metadata import key_set, metadata_document
from mintmark.authorization_server.oauth.revoke import token_taken_back
from mintmark.authorization_server.oauth.status_lists import as_of_now, list_of_lists, signed_list
from mintmark.authorization_server.oauth.steps import (
    authenticate_client,
    authenticate_resource_server,
    recall_sign_in,
)
from mintmark.authorization_server.oauth.token import (
    known_grant_type,
    refuse_as_json,
    registered_grant_type,
    tokens_by_grant,
)
from mintmark.authorization_server.oauth.userinfo import (
    bearer_token,
    claims_of_the_person,
    living_owner,
    refuse_as_bearer,
    scope_openid,
)

__all__ = ["AUTHORIZE", "ENDPOINTS", "END_SESSION", "STEPS"]

_GET, _POST, _GET_POST = ("GET",), ("POST",), ("GET", "POST")

# fmt: off
# A /authorize  T /token  U /userinfo  R /revoke  I /introspect  L /end-session  F /revocations
# S /revocations/snapshot  M metadata  K /jwks  X /status-lists  Y /status-lists/{number}
STEPS: tuple[tuple[str, Step], ...] = (
    ("A . . . . L . . . . . .", recall_sign_in),
    (". T . R I . . . . . . .", authenticate_client),
    (". . . . . . F S . . . .", authenticate_resource_server),
    ("A . . . . . . . . . . .", known_client),
    ("A . . . . . . . . . . .", registered_redirect_uri),   # from here on refusals go to the client
    ("A . . . . . . . . . . .", signed_in),
    ("A . . . . . . . . . . .", asked_for_code),
    ("A . . . . . . . . . . .", no_request_object),
    ("A . . . . . . . . . . .", known_prompt),
    ("A . . . . . . . . . . .", proof_key),
    ("A . . . . . . . . . . .", resources_of_the_client),
    ("A . . . . . . . . . . .", scope_of_the_client),
    ("A . . . . . . . . . . .", same_person_as_hinted),
    ("A . . . . . . . . . . .", told_of_misuse),
    ("A . . . . . . . . . . .", consented),
    ("A . . . . . . . . . . .", give_code),
    (". T . . . . . . . . . .", known_grant_type),
    (". T . . . . . . . . . .", registered_grant_type),
    (". T . . . . . . . . . .", tokens_by_grant),
    (". . U . . . . . . . . .", bearer_token),
    (". . U . . . . . . . . .", scope_openid),
    (". . U . . . . . . . . .", living_owner),
    (". . U . . . . . . . . .", claims_of_the_person),
    (". . . R . . . . . . . .", token_taken_back),
    (". . . . I . . . . . . .", client_with_a_secret),
    (". . . . I . . . . . . .", token_described),
    (". . . . . L . . . . . .", hint_of_ours),
    (". . . . . L . . . . . .", registered_return),
    (". . . . . L . . . . . .", signed_out),
    (". . . . . . F . . . . .", live_feed),
    (". . . . . . . S . . . .", signed_snapshot),
    (". . . . . . . . M . . .", metadata_document),
    (". . . . . . . . . K . .", key_set),
    (". . . . . . . . . . X .", list_of_lists),
    (". . . . . . . . . . . Y", as_of_now),
    (". . . . . . . . . . . Y", signed_list),
)

#   paths, methods, parameters, browsers may read, never cached, how it says no
_ROWS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Reads, bool, bool, Refuse]] = {
    "A": (("/authorize",),             _GET_POST, Reads.QUERY_OR_FORM, False, True,  refuse_at_authorize),
    "T": (("/token",),                 _POST,     Reads.FORM,          True,  True,  refuse_as_json),
    "U": (("/userinfo",),              _GET_POST, Reads.NOTHING,       True,  True,  refuse_as_bearer),
    "R": (("/revoke",),                _POST,     Reads.FORM,          True,  True,  refuse_as_json),
    "I": (("/introspect",),            _POST,     Reads.FORM,          False, True,  refuse_as_json),
    "L": (("/end-session",),           _GET_POST, Reads.QUERY_OR_FORM, False, True,  refuse_as_page),
    "F": (("/revocations",),           _GET,      Reads.NOTHING,       False, True,  refuse_as_json),
    "S": (("/revocations/snapshot",),  _GET,      Reads.NOTHING,       False, True,  refuse_as_json),
    "M": (("/.well-known/openid-configuration",
           "/.well-known/oauth-authorization-server"), _GET, Reads.NOTHING, True, False, refuse_as_json),
    "K": (("/jwks",),                  _GET,      Reads.NOTHING,       True,  False, refuse_as_json),
    "X": (("/status-lists",),          _GET,      Reads.NOTHING,       False, False, refuse_as_json),
    "Y": (("/status-lists/{number}",), _GET,      Reads.QUERY_OR_FORM, False, False, refuse_as_json),
}
# fmt: on


def _endpoint(letter: str, path: str) -> Endpoint:
    _, methods, reads, cors, no_store, refuse = _ROWS[letter]
    steps = tuple(step for marks, step in STEPS if letter in marks)
    return Endpoint(path, methods, reads, cors, no_store, refuse, steps)


ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {path: _endpoint(letter, path) for letter, row in _ROWS.items() for path in row[0]}
)
"""Every endpoint by its path."""

AUTHORIZE = ENDPOINTS["/authorize"]
END_SESSION = ENDPOINTS["/end-session"]
