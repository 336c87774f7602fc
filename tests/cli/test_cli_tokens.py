"""key, inspect, sign, verify, encrypt, decrypt: the three exit statuses, and what never gets out."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mintmark.jose.jwk import Key

from .conftest import Run

ISSUER = "https://auth.example.com"


@pytest.fixture
def key(tmp_path: Path, run: Run) -> Path:
    file = tmp_path / "key.jwk"
    assert run("key", "new", "ES256", "--out", file, "--kid", "k1").status == 0
    return file


@pytest.fixture
def public(tmp_path: Path, run: Run, key: Path) -> Path:
    file = tmp_path / "public.jwk"
    file.write_text(run("key", "pub", key).out)
    return file


@pytest.fixture
def token(run: Run, key: Path) -> str:
    signing = ["--key", key, "--issuer", ISSUER, "--subject", "alice", "--audience", "orders"]
    return run("sign", '{"scope": "orders:read"}', *signing).out.strip()


def one_line(text: str) -> bool:
    return text.startswith("mintmark: ") and text.count("\n") == 1 and "Traceback" not in text


@pytest.mark.parametrize("command", ["verify", "decrypt"])
def test_a_standard_input_with_nothing_in_it_is_no_token(run: Run, key: Path, command: str) -> None:
    wanted = ("--issuer", "https://a.example", "--audience", "a") if command == "verify" else ()
    options = ("--key", key, *wanted)
    outcome = run(command, "-", *options, stdin=b" \n")
    assert outcome.status == 2
    assert one_line(outcome.err)
    assert "nothing came from standard input" in outcome.err


def test_a_new_key_is_private_to_its_owner_and_never_overwritten(run: Run, key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    again = run("key", "new", "ES256", "--out", key)
    assert again.status == 2
    assert one_line(again.err)
    assert key.read_bytes() == before


@pytest.mark.parametrize("alg", ["ES256", "RS256", "Ed25519", "HS256", "ECDH-ES+A256KW", "A256KW"])
def test_a_key_of_any_kind(run: Run, alg: str) -> None:
    outcome = run("key", "new", alg)
    assert outcome.status == 0
    assert Key.from_jwk(json.loads(outcome.out)).alg == alg


def test_the_public_half_holds_nothing_secret(run: Run, key: Path) -> None:
    assert "d" not in json.loads(run("key", "pub", key).out)
    assert run("key", "pub", key, "--pem").out.startswith("-----BEGIN PUBLIC KEY-----")


def test_a_thumbprint(run: Run, key: Path, public: Path) -> None:
    assert run("key", "thumbprint", key).out == run("key", "thumbprint", public).out
    assert json.loads(run("key", "thumbprint", key, "--json").out)["kid"] == "k1"


def test_sign_and_verify(run: Run, public: Path, token: str) -> None:
    outcome = run("verify", token, "--key", public, "--issuer", ISSUER, "--audience", "orders")
    assert outcome.status == 0
    assert outcome.out.startswith("valid: signed with ES256 by key k1")
    assert "alice" in outcome.out


def test_json_for_programs(run: Run, public: Path, token: str) -> None:
    checks = ["--key", public, "--issuer", ISSUER, "--audience", "orders", "--json"]
    body = json.loads(run("verify", token, *checks).out)
    assert body["valid"] is True
    assert body["claims"]["sub"] == "alice"


@pytest.mark.parametrize("source", ["argument", "file", "-", "nothing"])
def test_a_token_from_anywhere(run: Run, tmp_path: Path, public: Path, token: str, source: str) -> None:
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    given = {"argument": [token], "file": [file], "-": ["-"], "nothing": []}[source]
    stdin = token.encode() + b"\n" if source in ("-", "nothing") else b""
    checks = ["--key", public, "--issuer", ISSUER, "--audience", "orders"]
    assert run("verify", *given, *checks, stdin=stdin).status == 0


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("damage", ["tampered", "audience", "issuer", "expired", "garbage", "kind"])
def test_P7_a_refused_token_is_1_and_shows_nothing_of_its_content(
    run: Run, key: Path, public: Path, token: str, damage: str, as_json: bool
) -> None:
    issuer, audience, more = ISSUER, "orders", []
    if damage == "tampered":
        token = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    elif damage == "audience":
        audience = "billing"
    elif damage == "issuer":
        issuer = "https://other.example.com"
    elif damage == "expired":
        token = run(
            "sign",
            "{}",
            "--key",
            key,
            "--issuer",
            ISSUER,
            "--subject",
            "alice",
            "--audience",
            "orders",
            "--lifetime",
            "1s",
        ).out.strip()
        more = ["--leeway", "0"]
        import time

        time.sleep(0)
        token_claims = json.loads(run("inspect", token, "--json").out)["claims"]
        while time.time() < token_claims["exp"]:
            time.sleep(0.2)
    elif damage == "garbage":
        token = "not a token"
    else:
        more = ["--kind", "access-token"]
    checks = ["--key", public, "--issuer", issuer, "--audience", audience, *more]
    outcome = run("verify", token, *checks, *(["--json"] if as_json else []))
    assert outcome.status == 1
    assert "alice" not in outcome.out + outcome.err
    assert "orders:read" not in outcome.out + outcome.err
    if as_json:
        assert json.loads(outcome.out)["valid"] is False
        assert json.loads(outcome.out)["code"]
    else:
        assert outcome.out == ""
        assert one_line(outcome.err)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--issuer", ISSUER],
        ["--audience", "orders"],
        ["--issuer", ISSUER, "--any-issuer", "--audience", "orders"],
        ["--any-issuer", "--any-audience"],
        ["--issuer", ISSUER, "--audience", "orders", "--key", "nothing.jwk"],
        ["--issuer", ISSUER, "--audience", "orders", "--secret-file", "nothing"],
        ["--issuer", ISSUER, "--audience", "orders", "--leeway", "9999"],
        ["--issuer", ISSUER, "--audience", "orders", "--kind", "nonsense"],
        ["--nonsense"],
    ],
)
def test_P9_wrong_use_is_2_with_one_line(run: Run, token: str, arguments: list[str]) -> None:
    outcome = run("verify", token, *arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert one_line(outcome.err)


def test_checks_are_waived_only_by_name(run: Run, public: Path, token: str) -> None:
    assert run("verify", token, "--key", public, "--any-issuer", "--any-audience").status == 0


def test_a_refusal_says_how_to_mend_it_in_the_words_of_the_command(
    run: Run, key: Path, public: Path, token: str
) -> None:
    signing = ["--key", key, "--issuer", ISSUER, "--subject", "alice", "--audience", "orders"]
    access = run("sign", "{}", "--typ", "at+jwt", *signing).out.strip()
    checks = ["--key", public, "--issuer", ISSUER]
    assert "--kind access-token" in run("verify", access, *checks, "--audience", "orders").err
    assert "mintmark inspect" in run("verify", token, *checks, "--audience", "billing").err
    assert "--subject" in run("sign", '{"sub": "alice"}', "--key", key, "--issuer", ISSUER).err


def test_a_private_key_that_others_can_read_is_refused(run: Run, key: Path) -> None:
    key = key.rename(key.with_name("my key.jwk"))
    key.chmod(0o640)
    outcome = run("sign", "{}", "--key", key, "--issuer", ISSUER)
    assert outcome.status == 2
    assert one_line(outcome.err)
    assert f"chmod 600 '{key}'" in outcome.err


def test_a_shared_secret_from_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s" * 32 + b"\n")
    file.chmod(0o600)
    secret = ["--secret-file", file, "--alg", "HS256"]
    token = run("sign", '{"a": 1}', *secret, "--issuer", ISSUER, "--audience", "b").out.strip()
    assert run("verify", token, *secret, "--issuer", ISSUER, "--audience", "b").status == 0
    assert run("sign", "{}", "--secret-file", file, "--issuer", ISSUER).status == 2


@pytest.mark.parametrize("claims", ["[]", "{", '{"a": NaN}', '{"a": 1, "a": 2}', '{"iss": "x"}', "\udcff"])
def test_claims_that_are_none(run: Run, key: Path, claims: str) -> None:
    outcome = run("sign", claims, "--key", key, "--issuer", ISSUER)
    assert outcome.status == 2
    assert one_line(outcome.err)


@pytest.mark.parametrize("lifetime", ["0", "-5", "soon", "10y", ""])
def test_a_lifetime_that_is_none(run: Run, key: Path, lifetime: str) -> None:
    outcome = run("sign", "{}", "--key", key, "--issuer", ISSUER, "--lifetime", lifetime)
    assert outcome.status == 2
    assert one_line(outcome.err)


def test_a_raw_message(run: Run, key: Path) -> None:
    token = run("sign", "--raw", "--key", key, stdin=b"\x00\xffmessage").out.strip()
    assert token.count(".") == 2
    assert run("sign", "--raw", "--key", key, "--issuer", "x", stdin=b"m").status == 2


def test_P6_encrypt_and_decrypt_byte_for_byte(run: Run, tmp_path: Path) -> None:
    private, public = tmp_path / "private.jwk", tmp_path / "public.jwk"
    run("key", "new", "ECDH-ES+A256KW", "--out", private)
    public.write_text(run("key", "pub", private).out)
    sealed = run("encrypt", "-", "--key", public, stdin="äöü secret\n".encode()).out
    opened = run("decrypt", "-", "--key", private, stdin=sealed.encode())
    assert opened.status == 0
    assert opened.out == "äöü secret\n"
    assert (
        json.loads(run("decrypt", sealed.strip(), "--key", private, "--json").out)["content"]
        == "äöü secret\n"
    )
    damaged = sealed.strip()[:-4] + "AAAA"
    refused = run("decrypt", damaged, "--key", private)
    assert refused.status == 1
    assert refused.out == ""
    assert one_line(refused.err)


def test_inspect_says_that_nothing_is_verified(run: Run, token: str) -> None:
    outcome = run("inspect", f"Bearer {token}")
    assert outcome.status == 0
    assert outcome.out.startswith("NOT VERIFIED")
    assert "UTC" in outcome.out
    assert json.loads(run("inspect", token, "--json").out)["verified"] is False


def test_inspect_of_something_else(run: Run) -> None:
    assert run("inspect", "hello").status == 1
    assert run("inspect", "a.b.c").status == 0


def test_inspect_cannot_rewrite_the_terminal(run: Run, key: Path) -> None:
    token = run("sign", json.dumps({"x": "\x1b[2J\r\n\u202e"}), "--key", key, "--issuer", ISSUER).out.strip()
    shown = run("inspect", token).out
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert "\u202e" not in shown


def test_json_cannot_rewrite_the_terminal(run: Run, key: Path) -> None:
    """JSON itself escapes only half of the control characters; terminals obey the others, too."""
    said = "\x1b[2J \x7f \x9b31m \u202e ü 鑄"
    token = run("sign", json.dumps({"x": said}), "--key", key, "--issuer", ISSUER).out.strip()
    out = run("inspect", token, "--json").out
    assert json.loads(out)["claims"]["x"] == said
    assert out.removesuffix("\n").isprintable()
    assert "ü 鑄" in out


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["-h"], ["sign", "--help"], ["admin", "keys", "--help"]]
)
def test_help_is_no_error(run: Run, arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.status == 0
    assert "Usage: mintmark" in outcome.out


@pytest.mark.parametrize(
    "group", ["", "admin", "admin keys", "admin people", "admin clients", "admin resources", "key"]
)
def test_a_list_of_commands_cuts_no_sentence_short(run: Run, group: str) -> None:
    commands = run(*group.split(), "--help").out.partition("Commands:")[2]
    assert commands
    assert "..." not in commands


def test_the_version(run: Run) -> None:
    from mintmark import __version__

    assert run("--version").out == f"mintmark {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["bogus"], ["key"], ["key", "bogus"], ["--bogus"], ["key", "new", "ES257"]]
)
def test_what_does_not_exist_is_2_with_one_line(run: Run, arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.status == 2
    assert one_line(outcome.err)


@pytest.mark.parametrize("name", ["token.txt", "x/token", "./token", "/no/where.jwt", "eyes.txt", "a.b.jwt"])
@pytest.mark.parametrize("command", ["inspect", "verify", "decrypt"])
def test_a_file_that_is_not_there_is_no_token(run: Run, key: Path, command: str, name: str) -> None:
    needed = {"verify": ["--key", key, "--any-issuer", "--any-audience"], "decrypt": ["--key", key]}
    outcome = run(command, name, *needed.get(command, []))
    assert outcome.status == 2
    assert one_line(outcome.err)
    assert f"there is no file {name}" in outcome.err
    assert outcome.out == ""


def test_a_damaged_token_is_still_one(run: Run, token: str, tmp_path: Path) -> None:
    header, payload, _ = token.split(".")
    for text in (
        f"{header}.{payload}.txt",
        f"{header}/{payload}",
        f"{header}.e/x",
        f"Bearer {token}",
        "no/ file",
    ):
        assert "there is no file" not in run("inspect", text).err
    (tmp_path / "token.txt").write_text(token)
    assert run("inspect", tmp_path / "token.txt").status == 0
