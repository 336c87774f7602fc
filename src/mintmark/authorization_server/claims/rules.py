"""What else goes into tokens: a table of rules per resource and client, and a hook for what no table can say.

A rule names a claim, where its value comes from, and which tokens carry it::

    ClaimRule("department", source="attributes.department", resources=("orders",))
    ClaimRule("permissions", by_role={"clerk": ["refund"], "chief": ["refund", "cancel"]})
    ClaimRule("https://example.org/tenant", value={"id": 7}, clients=("app",))

Nothing here can set a claim that the protocol gives a meaning: see :data:`.building.REGISTERED`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct, field

from mintmark.authorization_server.claims.building import REGISTERED
from mintmark.authorization_server.storage.records import Person
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose.encoding import json_encode

__all__ = ["ClaimHook", "ClaimRule", "TokenKind", "Wanted", "extra_claims"]

_PROPERTIES = frozenset({"person_id", "username", "name", "email", "email_verified", "roles", "groups"})
_ATTRIBUTE = "attributes."


class TokenKind(StrEnum):
    """Where a claim goes."""

    ACCESS = "access"
    ID = "id"
    USERINFO = "userinfo"


class Wanted(Struct, frozen=True):
    """A token that is about to be made: all that rules and the hook may look at."""

    kind: TokenKind
    client_id: str
    audience: str | None
    scope: Sequence[str]
    person: Person | None  # None where a client acts for itself


ClaimHook: TypeAlias = Callable[[Wanted], Mapping[str, Any]]


class ClaimRule(Struct, frozen=True):
    """One claim. Exactly one of ``value``, ``source``, ``by_role`` and ``by_group`` says what it is.

    :param claim: its name; not a registered one.
    :param value: the same for everybody.
    :param source: a person's property: ``email``, ``roles``, …, or ``attributes.<name>``.
    :param by_role: what each role of the person adds to a list.
    :param by_group: what each group of the person adds to a list.
    :param tokens: the kinds of tokens that carry it.
    :param resources: only tokens for these audiences; empty: for all.
    :param clients: only tokens of these clients; empty: of all.
    :param scopes: only tokens with at least one of these scopes; empty: with any.
    :raises ConfigurationError: a rule that cannot be followed, or must not be.
    """

    claim: str
    value: Any = None
    source: str | None = None
    by_role: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    by_group: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    tokens: tuple[TokenKind, ...] = (TokenKind.ACCESS,)
    resources: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        said = (self.value is not None, self.source is not None, bool(self.by_role), bool(self.by_group))
        if not self.claim or self.claim in REGISTERED:
            raise ConfigurationError(f"A claim rule sets {self.claim!r}: the protocol owns that claim.")
        if said.count(True) != 1:
            raise ConfigurationError(
                f"The rule for {self.claim!r} needs exactly one of value, source, by_role and by_group."
            )
        if self.source is not None and not _is_source(self.source):
            known = ", ".join(sorted(_PROPERTIES))
            raise ConfigurationError(
                f"The rule for {self.claim!r} takes {self.source!r}: a person has {known}, attributes.<name>."
            )
        try:
            json_encode([self.value, dict(self.by_role), dict(self.by_group)])
        except MintmarkError as error:
            raise ConfigurationError(f"The rule for {self.claim!r} has a value that is not JSON.") from error

    def applies_to(self, wanted: Wanted) -> bool:
        """Whether that token carries the claim, if there is anything to say."""
        return (
            wanted.kind in self.tokens
            and (not self.resources or wanted.audience in self.resources)
            and (not self.clients or wanted.client_id in self.clients)
            and (not self.scopes or not set(self.scopes).isdisjoint(wanted.scope))
        )

    def value_for(self, person: Person | None) -> Any:
        """Return what to say; None for nothing."""
        if self.value is not None:
            return self.value
        if person is None:
            return None
        if self.source is not None:
            return _property(person, self.source)
        return _collected(person.roles, self.by_role) or _collected(person.groups, self.by_group) or None


def extra_claims(
    rules: Iterable[ClaimRule], wanted: Wanted, *, hook: ClaimHook | None = None
) -> dict[str, Any]:
    """Return what rules and hook add to a token; a later rule wins over an earlier one, the hook over all.

    :raises ConfigurationError: the hook sets a registered claim.
    """
    claims: dict[str, Any] = {}
    for rule in rules:
        if rule.applies_to(wanted) and (value := rule.value_for(wanted.person)) is not None:
            claims[rule.claim] = value
    if hook is None:
        return claims
    added = dict(hook(wanted))
    if taken := REGISTERED.intersection(added):
        raise ConfigurationError(
            f"The claim hook sets {', '.join(sorted(taken))}: the protocol owns that claim."
        )
    return {**claims, **added}


def _is_source(source: str) -> bool:
    return source in _PROPERTIES or (source.startswith(_ATTRIBUTE) and len(source) > len(_ATTRIBUTE))


def _property(person: Person, source: str) -> Any:
    if source.startswith(_ATTRIBUTE):
        return person.attributes.get(source.removeprefix(_ATTRIBUTE))
    value = getattr(person, source)
    return list(value) or None if isinstance(value, tuple) else value


def _collected(names: Sequence[str], table: Mapping[str, Sequence[Any]]) -> list[Any]:
    """All that the names give, each thing once, in the order of the names."""
    found: list[Any] = []
    for name in names:
        found.extend(value for value in table.get(name, ()) if value not in found)
    return found
