"""Access tokens from a refresh token that changes at each use, with an issuer that forgives nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from client.fake_issuer import CLIENT, FakeIssuer
from client.test_token_client import eventually
from mintmark.client import (
    RefreshSource,
    RefreshTokenFile,
    RefreshTokenInMemory,
    RefreshTokenStore,
    SignInNeeded,
    StoreFailed,
    TokenClient,
    TokenRefused,
)
from mintmark.errors import ConfigurationError, FetchFailed
from net.scripted_server import reply, serving


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer()
    with serving(issuer.answer) as server:
        issuer.server = server
        yield issuer


def source(issuer: FakeIssuer, store: RefreshTokenStore, **options: Any) -> RefreshSource:
    client = TokenClient(
        issuer.server.url, CLIENT, public=True, clock=issuer.clock, jitter=lambda: 0.0, **options
    )
    return RefreshSource(client, store)


Make = Callable[[str | None], RefreshTokenStore]


@pytest.fixture(params=["memory", "file"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Both stores of the house, with a token in them or without."""

    def make(refresh_token: str | None) -> RefreshTokenStore:
        if request.param == "memory":
            return RefreshTokenInMemory(refresh_token)
        file = RefreshTokenFile(tmp_path / "refresh")
        if refresh_token is not None:
            file.save(refresh_token)
        return file

    return make


def test_P11_each_renewal_presents_the_newest_token(issuer: FakeIssuer, make: Make) -> None:
    store = make(issuer.sign_in())
    tokens = source(issuer, store)
    seen = []
    for _ in range(4):
        token = tokens.token()
        assert tokens.token() is token
        assert token.refresh_token is None
        seen.append(token.access_token)
        issuer.now += 600
    assert seen == ["t1", "t2", "t3", "t4"]
    assert [asked["refresh_token"] for asked in issuer.asked] == ["f.0", "f.1", "f.2", "f.3"]
    assert store.load() == "f.4"


def test_an_issuer_that_does_not_rotate_leaves_the_store_alone(issuer: FakeIssuer, make: Make) -> None:
    issuer.rotates = False
    store = make(issuer.sign_in())
    tokens = source(issuer, store)
    tokens.forget(tokens.token())
    assert tokens.token().access_token == "t2"
    assert store.load() == "f.0"


def test_threads_and_tasks_that_come_together_renew_once(issuer: FakeIssuer, make: Make) -> None:
    tokens = source(issuer, make(issuer.sign_in()))
    issuer.hold = threading.Event()

    async def crowd() -> set[str]:
        beside = asyncio.gather(*(asyncio.to_thread(tokens.token) for _ in range(4)))
        tasks = [asyncio.create_task(tokens.atoken()) for _ in range(50)]
        await asyncio.sleep(0.05)
        assert issuer.hold is not None
        issuer.hold.set()
        return {token.access_token for token in [*await asyncio.gather(*tasks), *await beside]}

    assert asyncio.run(crowd()) == {"t1"}
    assert len(issuer.asked) == 1


def test_sources_that_share_a_file_never_present_a_token_twice(issuer: FakeIssuer, tmp_path: Path) -> None:
    path = tmp_path / "refresh"
    RefreshTokenFile(path).save(issuer.sign_in())
    sources = [source(issuer, RefreshTokenFile(path)) for _ in range(6)]  # as in six processes
    with ThreadPoolExecutor(6) as pool:
        seen = [token.access_token for token in pool.map(lambda each: each.token(), sources)]
    assert sorted(seen) == ["t1", "t2", "t3", "t4", "t5", "t6"]
    presented = [asked["refresh_token"] for asked in issuer.asked]
    assert presented == [f"f.{number}" for number in range(6)]


class Unlocked:
    """A user's own store that locks nothing, and whose disk may be full."""

    def __init__(self, refresh_token: str | None) -> None:
        self.refresh_token = refresh_token
        self.is_full = False
        self.loaded: Callable[[], None] = lambda: None

    def exclusive(self) -> AbstractContextManager[None]:
        return nullcontext()

    def load(self) -> str | None:
        found = self.refresh_token
        self.loaded()
        return found

    def save(self, refresh_token: str) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.refresh_token = refresh_token


def test_who_was_overtaken_takes_what_the_other_one_saved(issuer: FakeIssuer) -> None:
    store = Unlocked("f.0")
    issuer.families["f"] = 1  # the other one has renewed …

    def saved() -> None:
        store.refresh_token = "g.0"
        issuer.sign_in("g")

    store.loaded = saved  # … and saves only now
    assert source(issuer, store).token().access_token == "t2"
    assert [asked["refresh_token"] for asked in issuer.asked] == ["f.0", "g.0"]


def test_a_full_disk_loses_no_token(issuer: FakeIssuer, caplog: pytest.LogCaptureFixture) -> None:
    store = Unlocked(issuer.sign_in())
    store.is_full = True
    tokens = source(issuer, store)
    for _ in range(2):
        tokens.forget(tokens.token())
    assert store.refresh_token == "f.0"
    assert "not saved" in caplog.text
    assert "f.1" not in caplog.text
    store.is_full = False
    tokens.token()
    assert store.refresh_token == "f.3"


def test_the_new_token_is_saved_before_the_access_token_is_given(issuer: FakeIssuer) -> None:
    store = Unlocked(issuer.sign_in())
    tokens = source(issuer, store)
    order: list[str] = []
    save = store.save
    store.save = lambda text: (order.append("saved"), save(text))[1]  # type: ignore[method-assign]
    tokens.token()
    order.append("given")
    assert order == ["saved", "given"]


def test_a_crash_after_a_renewal_begins_with_the_newest_token(issuer: FakeIssuer, tmp_path: Path) -> None:
    path = tmp_path / "refresh"
    RefreshTokenFile(path).save(issuer.sign_in())
    for number in (1, 2, 3):  # each a process that dies right after its first token
        assert source(issuer, RefreshTokenFile(path)).token().access_token == f"t{number}"


def test_only_the_person_can_help_when_the_token_is_dead(issuer: FakeIssuer, make: Make) -> None:
    store = make("f.7")
    tokens = source(issuer, store)
    for _ in range(3):
        with pytest.raises(SignInNeeded, match="sign in again") as caught:
            tokens.token()
    assert "f.7" not in str(caught.value.details())
    assert len(issuer.asked) == 1
    tokens.begin(issuer.sign_in())
    assert tokens.token().access_token == "t2"
    assert store.load() == "f.1"


def test_an_empty_store_asks_nobody(issuer: FakeIssuer, make: Make) -> None:
    with pytest.raises(SignInNeeded, match="no refresh token"):
        source(issuer, make(None)).token()
    assert issuer.asked == []


def test_a_new_sign_in_forgets_the_old_persons_token(issuer: FakeIssuer, make: Make) -> None:
    tokens = source(issuer, make(issuer.sign_in()))
    assert tokens.token().access_token == "t1"
    tokens.begin(issuer.sign_in("g"))
    assert tokens.token().access_token == "t2"
    assert issuer.asked[-1]["refresh_token"] == "g.0"


def test_an_outage_leaves_the_old_access_token_and_the_refresh_token(issuer: FakeIssuer, make: Make) -> None:
    store = make(issuer.sign_in())
    tokens = source(issuer, store)
    tokens.token()
    issuer.broken = reply(status="500 No")
    issuer.now += 460
    assert tokens.token().access_token == "t1"
    eventually(lambda: len(issuer.asked) == 2)
    issuer.now += 200
    with pytest.raises(FetchFailed):
        tokens.token()
    issuer.broken = None
    issuer.now += 60
    assert tokens.token().access_token.startswith("t")
    assert store.load() == "f.2"


def test_other_refusals_keep_their_name(issuer: FakeIssuer) -> None:
    issuer.broken = reply(b'{"error":"invalid_scope"}', status="400 Bad")
    with pytest.raises(TokenRefused, match="invalid_scope"):
        source(issuer, RefreshTokenInMemory("f.0")).token()


def test_fewer_scopes_may_be_asked_for(issuer: FakeIssuer) -> None:
    client = TokenClient(issuer.server.url, CLIENT, public=True, clock=issuer.clock)
    store = RefreshTokenInMemory(issuer.sign_in())
    RefreshSource(client, store, scope=["a", "b"], resource="https://api.example.com").token()
    assert (issuer.asked[0]["scope"], issuer.asked[0]["resource"]) == ("a b", "https://api.example.com")


FORKING = """
import os, sys
from mintmark.client import RefreshTokenFile

file = RefreshTokenFile(sys.argv[1])
with file.exclusive():
    child = os.fork()
    if child:
        os.write(1, b"parent ")
    else:
        try:
            with file.exclusive():
                os.write(1, b"child")
        finally:
            os._exit(0)
os.waitpid(child, 0)
"""


class TestFile:
    def test_is_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        file = RefreshTokenFile(tmp_path / "refresh")
        file.save("f.0")
        assert (tmp_path / "refresh").stat().st_mode & 0o777 == 0o600
        assert file.load() == "f.0"
        file.save("f.1")
        assert file.load() == "f.1"
        assert [each.name for each in tmp_path.iterdir()] == ["refresh"]

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
    def test_is_refused_when_others_can_read_or_change_it(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "refresh"
        RefreshTokenFile(path).save("f.0")
        path.chmod(mode)
        with pytest.raises(ConfigurationError, match="others"):
            RefreshTokenFile(path).load()

    def test_without_a_folder_says_so(self, tmp_path: Path) -> None:
        file = RefreshTokenFile(tmp_path / "nowhere" / "refresh")
        with pytest.raises(StoreFailed, match="written"):
            file.save("f.0")
        with pytest.raises(StoreFailed, match="locked"), file.exclusive():
            pass

    def test_a_link_or_a_folder_is_no_store(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "refresh")
        (tmp_path / "refresh").write_text("f.0")
        with pytest.raises(StoreFailed, match="read"):
            RefreshTokenFile(tmp_path / "link").load()
        (tmp_path / "folder").mkdir(mode=0o700)
        with pytest.raises((StoreFailed, ConfigurationError)):
            RefreshTokenFile(tmp_path / "folder").load()

    def test_holds_another_process_off_also_one_that_was_forked_meanwhile(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", FORKING, str(tmp_path / "refresh")]
        done = subprocess.run(command, capture_output=True, timeout=30, check=True)
        assert done.stdout == b"parent child"
