"""``python -m actors tokens``: what it says, what it leaves behind, and how it ends."""

import json
import os
import random
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from actors.cli import options
from actors.cli import tokens as commands
from actors.cli.main import main
from actors.keystone.tokens import body, pki
from actors.keystone.tokens.authority import create_authority
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.directory import DiskDirectory, MemoryDirectory
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.jws import JwsProvider, create_key_pair
from actors.keystone.tokens.keys import KeyRepository

ROOT = Path(__file__).parents[3]
NOW = 1_700_000_000
CLAIMS = TokenClaims(
    user_id="0123456789abcdef" * 2,
    methods=("password",),
    audit_ids=("AAECAwQFBgcICQoLDA0ODw",),
    issued_at=NOW,
    expires_at=NOW + 3600,
    project_id="f" * 32,
)


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["tokens", *map(str, arguments)], input=stdin)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A key repository that was just set up."""
    folder = tmp_path / "fernet-keys"
    assert run("setup", folder).exit_code == 0
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def issue(folder: Path) -> str:
    return FernetProvider(keys=KeyRepository(DiskDirectory(folder)), randomness=random.Random(0).randbytes).issue(
        CLAIMS
    )


class TestSetup:
    """Making a key repository."""

    def test_a_repository_is_for_its_owner_alone_whatever_the_umask(self, tmp_path):
        before = os.umask(0)
        try:
            assert run("setup", tmp_path / "a" / "keys").exit_code == 0
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "a" / "keys").stat().st_mode) == 0o700
        assert files(tmp_path / "a" / "keys") == ["0", "1"]
        for name in "01":
            key = tmp_path / "a" / "keys" / name
            assert (stat.S_IMODE(key.stat().st_mode), key.stat().st_size) == (0o600, 44)

    def test_no_two_keys_are_the_same(self, folder, tmp_path):
        run("setup", tmp_path / "other")
        keys = {path.read_text() for parent in (folder, tmp_path / "other") for path in parent.iterdir()}
        assert len(keys) == 4

    def test_one_that_has_a_staged_key_is_left_as_it_is(self, folder):
        before = {name: (folder / name).read_text() for name in files(folder)}
        result = run("setup", folder)
        assert (result.exit_code, result.stdout) == (0, "There is a staged key already: nothing was changed.\n")
        assert before == {name: (folder / name).read_text() for name in files(folder)}

    def test_a_folder_that_cannot_be_made_is_refused(self, tmp_path):
        (tmp_path / "file").write_text("")
        result = run("setup", tmp_path / "file" / "keys")
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: the key repository")

    def test_a_folder_that_is_open_to_all_is_worth_a_warning(self, tmp_path):
        tmp_path.chmod(0o755)
        result = run("setup", tmp_path)
        assert result.exit_code == 0
        assert "every user of the machine" in result.stderr


class TestRotate:
    """Rotating the keys."""

    def test_each_step_is_said_and_done(self, folder):
        run("rotate", folder)
        result = run("rotate", folder)
        assert result.stdout.splitlines() == ["wrote a new key", "renamed 0 to 3", "renamed 0.tmp to 0", "removed 1"]
        assert files(folder) == ["0", "2", "3"]

    def test_as_many_keys_are_kept_as_asked_for(self, folder):
        for _ in range(6):
            run("rotate", folder, "--max-active-keys", 5)
        assert files(folder) == ["0", "4", "5", "6", "7"]

    def test_what_cannot_be_rotated_is_refused(self, tmp_path):
        result = run("rotate", tmp_path / "missing")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "does not exist" in result.stderr


class TestKeys:
    """Looking at the files."""

    def test_each_file_is_told_in_the_order_in_which_keys_are_tried(self, folder):
        run("rotate", folder)
        for name, text in {"+7": "", "02": "x", "0.tmp": "x"}.items():
            (folder / name).write_text(text)
        result = run("keys", folder)
        rows = [line.split(maxsplit=1) for line in result.stdout.splitlines() if line.strip()][2:]
        assert [(name, text.strip()) for name, text in rows] == [
            ("+7", "empty, so passed over"),
            ("02", "another file has its number"),
            ("2", "primary"),
            ("1", "secondary"),
            ("0", "staged"),
            ("0.tmp", "its name is no number"),
        ]
        assert (result.exit_code, result.stderr) == (0, "")

    def test_a_file_that_holds_no_key_is_told_and_fails(self, folder):
        (folder / "1").write_text("garbage")
        result = run("keys", folder)
        assert "holds no key, so every token fails" in result.stdout
        assert (result.exit_code, "key file 1 of 7 characters" in result.stderr) == (1, True)

    def test_an_empty_folder_fails(self, tmp_path):
        result = run("keys", tmp_path)
        assert (result.exit_code, "holds no key" in result.stderr) == (1, True)

    def test_a_name_that_commands_the_terminal_is_shown_as_it_is(self, folder):
        (folder / "\x1b[2J[bold]").write_text("")
        result = run("keys", folder)
        assert "\x1b" not in result.stdout
        assert "'\\x1b[2J[bold]'" in result.stdout


class TestWhich:
    """Finding the key of a token."""

    def test_the_key_and_its_role_are_told_rotation_by_rotation(self, folder):
        token = issue(folder)
        said = [run("which", folder, token).stdout]
        for _ in range(2):
            run("rotate", folder)
            said.append(run("which", folder, token).stdout)
        assert said == ["Key 1, the primary one, reads it.\n", "Key 1, the secondary one, reads it.\n", ""]

    def test_a_token_that_no_key_reads_is_refused(self, folder, tmp_path):
        run("setup", tmp_path / "other")
        result = run("which", tmp_path / "other", issue(folder))
        assert result.exit_code == 1
        assert "none of the keys [1, 0] opens it" in result.stderr

    def test_a_token_may_come_on_the_standard_input(self, folder):
        assert run("which", folder, "-", stdin=issue(folder) + "\n").stdout == "Key 1, the primary one, reads it.\n"

    def test_no_token_on_the_standard_input_is_wrong_use(self, folder):
        result = run("which", folder, "-", stdin="")
        assert (result.exit_code, "there is no token" in result.stderr) == (2, True)


class TestDecode:
    """Looking into a token."""

    def test_a_fernet_token_is_opened_with_its_key_and_not_judged(self, folder):
        result = run("decode", issue(folder), "--keys", folder)
        assert json.loads(result.stdout) == {
            "user_id": CLAIMS.user_id,
            "methods": ["password"],
            "audit_ids": list(CLAIMS.audit_ids),
            "issued_at": "2023-11-14T22:13:20.000000Z",
            "expires_at": "2023-11-14T23:13:20.000000Z",
            "project_id": "f" * 32,
        }
        assert (result.exit_code, result.stderr) == (
            0,
            "NOT VALIDATED: a key of this folder made this, but it may have expired since, or been revoked.\n",
        )

    def test_a_fernet_token_without_keys_is_wrong_use(self, folder):
        result = run("decode", issue(folder))
        assert (result.exit_code, result.stdout) == (2, "")
        assert "give --keys" in result.stderr

    def test_a_jws_token_shows_its_header_and_claims_whoever_signed_it(self):
        pair = create_key_pair(random.Random(0).randbytes)
        token = JwsProvider(private=MemoryDirectory({"private.pem": pair.private}), public=MemoryDirectory()).issue(
            CLAIMS
        )
        for text in (token, token[:-9] + "AAAAAAAAA"):
            result = run("decode", text)
            said = json.loads(result.stdout)
            assert (said["header"]["alg"], said["payload"]["sub"]) == ("ES256", CLAIMS.user_id)
            assert "NOT VALIDATED: no signature was checked" in result.stderr

    @pytest.mark.parametrize("write", [pki.write_pki, pki.write_pkiz])
    def test_a_signed_token_shows_its_body_whoever_signed_it(self, write):
        text = json.dumps(body.render(CLAIMS))
        message = create_authority(random.Random(0).randbytes, NOW, key_size=1024).sign(text.encode())
        result = run("decode", write(message[:-3] + b"xxx"))
        assert json.loads(text) == json.loads(result.stdout)
        assert "NOT VALIDATED: no signature was checked" in result.stderr

    def test_a_body_that_commands_the_terminal_is_escaped(self):
        message = create_authority(random.Random(0).randbytes, NOW, key_size=1024).sign(b'"\\u001b[2J"' + b" " * 300)
        assert run("decode", pki.write_pki(message)).stdout == '"\\u001b[2J"\n'

    @pytest.mark.parametrize("token", ["a" * 32, "garbage", "MIIA", "PKIZ_x", "a.b.c", "eyJ9.eyJ9.x", "\udcff"])
    def test_what_says_nothing_is_refused(self, token):
        result = run("decode", token)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ")

    def test_a_truncated_fernet_token_is_refused(self, folder):
        result = run("decode", issue(folder)[:-1], "--keys", folder)
        assert (result.exit_code, "Could not recognize Fernet token" in result.stderr) == (1, True)


class TestAdvise:
    """Counting keys."""

    def row(self, result: Result, use: str) -> list[str]:
        line = next(line for line in result.stdout.splitlines() if line.strip().startswith(use))
        return line.replace(use, "").split()

    def test_the_defaults_need_three_keys_and_51_for_service_tokens(self):
        result = run("advise", "--rotation-interval", "1h")
        assert self.row(result, "by itself") == ["1h", "3", "3"]
        assert self.row(result, "beside a service token") == ["2d1h", "51", "51"]
        assert result.exit_code == 0

    def test_a_distribution_that_takes_time_needs_a_key_more_than_documented(self):
        result = run("advise", "--rotation-interval", "1h", "--distribution-delay", "1s")
        assert self.row(result, "by itself") == ["1h", "4", "3"]

    def test_a_plan_that_loses_tokens_says_which_and_fails(self):
        result = run("advise", "--rotation-interval", "1d", "--max-active-keys", 4)
        assert result.exit_code == 1
        assert "LOST beside a service token: tokens issued up to 1h before a rotation." in result.stdout
        assert "LOST by itself" not in result.stdout
        assert "They can be read for 2d or little more." in result.stdout
        assert "keep 5" in result.stderr

    def test_a_plan_that_loses_none_says_so(self):
        result = run(
            "advise",
            "--rotation-interval",
            "6h",
            "--expiration",
            "24h",
            "--allow-expired-window",
            0,
            "--max-active-keys",
            6,
        )
        assert result.exit_code == 0
        assert "no token is lost: all can be read for 1d or more" in result.stdout

    def test_a_plan_that_no_number_of_keys_saves_fails(self):
        result = run("advise", "--rotation-interval", "10m", "--distribution-delay", "10m")
        assert (result.exit_code, "no number of keys helps" in result.stderr) == (1, True)

    @given(st.integers(0, 10**9))
    def test_a_duration_is_read_as_it_is_said(self, seconds):
        assert seconds == options.duration(options.spoken(seconds)) == options.duration(str(seconds))


@pytest.mark.parametrize(
    "arguments",
    [
        ["rotate"],
        ["rotate", "x", "--max-active-keys", "0"],
        ["rotate", "x", "--max-active-keys", "many"],
        ["advise"],
        ["advise", "--rotation-interval", "0"],
        ["advise", "--rotation-interval", "-1h"],
        ["advise", "--rotation-interval", "1h", "--expiration", "1 h"],
        ["advise", "--rotation-interval", "1h", "--expiration", "1x"],
        ["nonsense"],
        ["keys", "x", "--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_status_2_and_says_what_is_wrong(arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


def test_no_command_shows_a_key(folder):
    token = issue(folder)
    (folder / "5").write_text((folder / "0").read_text() + "x" * 40)
    results = [
        run("rotate", folder),
        run("keys", folder),
        run("which", folder, token),
        run("decode", token, "--keys", folder),
    ]
    shown = "".join(result.output for result in results)
    assert not any(path.read_text()[:20] in shown for path in folder.iterdir())
    assert token[:40] not in shown


def test_ctrl_c_ends_without_a_word(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "survey", interrupted)
    result = run("keys", "x")
    assert (result.exit_code, result.output) == (130, "")


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "actors", "tokens", "decode", "-"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        _, stderr = process.communicate("garbage\n", timeout=60)
    assert (process.returncode, stderr) == (1, "Error: 7 characters that look like no token of Keystone's\n")
