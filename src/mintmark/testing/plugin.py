"""The pytest plugin: an issuer, its tokens, its clock, and a fixture that is every evil token in turn.

Settings, beside pytest's own: ``mintmark_audience`` (the ``aud`` of minted tokens, by default ``test``) and
``mintmark_alg`` (the algorithm of the issuer's key, by default ES256).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mintmark.hostile import Intruders
    from mintmark.jose.jwk import Key
    from mintmark.testing import EvilToken, FrozenClock, LocalIssuer

# Whoever has mintmark installed loads this file with every run of pytest: all else waits for its first use.


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("mintmark_audience", "the audience of tokens that mint() makes", default="test")
    parser.addini("mintmark_alg", "the algorithm of the key of mintmark_issuer", default="ES256")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "evil_tokens(select=[...], leave_out=[...]): which attacks the fixture evil_token stands for",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``evil_token`` once for each of them."""
    if "evil_token" not in metafunc.fixturenames:
        return
    from mintmark.testing import LocalIssuer, evil_tokens

    chosen: dict[str, Any] = {}
    for mark in metafunc.definition.iter_markers("evil_tokens"):
        chosen = {**mark.kwargs, **chosen}  # the nearest comes first
    issuer = LocalIssuer(alg=metafunc.config.getini("mintmark_alg"))
    ids = [evil.id for evil in evil_tokens(issuer.mint(), signing_key=issuer.key, **chosen)]
    metafunc.parametrize("evil_token", ids, ids=ids, indirect=True)


@pytest.fixture(scope="session")
def _mintmark_key(pytestconfig: pytest.Config) -> Key:
    """The first key of every issuer: an RSA key would take long to make for each test."""
    from mintmark.jose.jwk import Key

    return Key.generate(pytestconfig.getini("mintmark_alg"))


@pytest.fixture(scope="session")
def _mintmark_intruders() -> Intruders:
    from mintmark.hostile import Intruders

    return Intruders()


@pytest.fixture
def mintmark_issuer(_mintmark_key: Key, pytestconfig: pytest.Config) -> Iterator[LocalIssuer]:
    """An issuer of this test's own. Define a fixture of this name to shape it, or to let it live longer."""
    from mintmark.testing import LocalIssuer

    with LocalIssuer(key=_mintmark_key, audience=pytestconfig.getini("mintmark_audience")) as issuer:
        yield issuer


@pytest.fixture
def mintmark_clock(mintmark_issuer: LocalIssuer) -> FrozenClock:
    """The issuer's clock, which only a test advances. Give it to the service as ``clock=``."""
    return mintmark_issuer.clock


@pytest.fixture
def mint(mintmark_issuer: LocalIssuer) -> Callable[..., str]:
    """Make tokens: ``mint(sub="alice", scopes="orders:read")``. See :meth:`LocalIssuer.mint`."""
    return mintmark_issuer.mint


@pytest.fixture
def good_token(mint: Callable[..., str]) -> str:
    """The token that evil ones are made from. Define one of this name when yours needs scopes or claims."""
    return mint()


@pytest.fixture
def evil_token(
    request: pytest.FixtureRequest,
    good_token: str,
    mintmark_issuer: LocalIssuer,
    _mintmark_intruders: Intruders,
) -> EvilToken:
    """A token that must be refused; the test runs once for each. ``.text`` is the token, ``.id`` its name."""
    from mintmark.hostile import Sample, find
    from mintmark.testing.evil import build

    sample = Sample.of(good_token, signing_key=mintmark_issuer.key, intruders=_mintmark_intruders)
    evil = build(find(request.param), sample)
    if evil is None:
        pytest.skip(f"{request.param} cannot be made from this good token")
    return evil
