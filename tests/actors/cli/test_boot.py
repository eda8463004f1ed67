"""``python -m actors boot``: what it shows, what it refuses, and how it ends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from actors.cli.launch import adapted
from actors.cli.main import main
from actors.cli.story import WIDTH
from actors.contents import IMAGE
from actors.journey import STEPS
from actors.nova.messages.servers import CreateServer
from actors.nova.requests.servers import read_create_server
from bus.sim import World

RECORDED = Path(__file__).parents[1]


def recorded(service: str) -> dict[str, Any]:
    """The bodies that clients were recorded to send to a service, by what they were made with."""
    requests = json.loads((RECORDED / service / "client-requests.json").read_text("utf-8"))["requests"]
    return {f"{one['client'].split()[0]}: {one['command']}": one["body"] for one in requests}


SERVERS = {name: body for name, body in recorded("nova").items() if "server" in body}
SIGN_INS = {
    name: body for name, body in recorded("keystone").items() if body["auth"]["identity"]["methods"] == ["password"]
}
GOOD = {"name": "s", "flavorRef": "1", "imageRef": IMAGE, "networks": "auto"}


@pytest.fixture(autouse=True, scope="module")
def logs_as_before() -> Iterator[None]:
    """The command silences logs, for its whole process."""
    yield
    structlog.reset_defaults()


def boot(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["boot", *map(str, arguments)])


def body(folder: Path, content: object) -> Path:
    path = folder / "body.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def facts(output: str, name: str) -> list[str]:
    """What it says of the servers' *name*, once for each boot."""
    return [line.removeprefix(name).strip() for line in output.splitlines() if line.startswith(f"{name} ")]


@pytest.fixture(scope="module")
def shown() -> str:
    result = boot()
    assert result.exit_code == 0, result.output
    return result.output


class TestJourney:
    """The first boot, from the beginning to the end."""

    def test_it_takes_the_ten_steps_in_order(self, shown):
        places = [shown.index(f"\n{number:2}  {title}\n") for number, title in STEPS.items()]
        assert places == sorted(places)
        assert "nobody is asked" not in shown

    def test_it_ends_active_with_host_address_and_volume(self, shown):
        assert facts(shown, "status")[0] == "ACTIVE"
        assert facts(shown, "host")[0] == "host1"
        assert facts(shown, "address")[0].startswith("10.0.")
        assert "1 GB, in-use" in facts(shown, "volume")[0]

    def test_no_line_is_too_long(self, shown):
        assert max(map(len, shown.splitlines())) <= WIDTH

    def test_with_many_hosts_no_line_is_too_long_either(self):
        assert max(map(len, boot("--hosts", 12).output.splitlines())) <= WIDTH

    def test_it_is_the_same_each_time_and_with_another_seed_another(self, shown):
        assert boot().output == shown
        assert boot("--seed", 1).output != shown

    @pytest.mark.parametrize("provider", ["fernet", "jws", "uuid", "pki", "pkiz"])
    def test_it_works_with_tokens_of_each_format(self, provider):
        result = boot("--format", provider, "--token-dies-at", "never")
        assert facts(result.output, "status") == ["ACTIVE"]
        assert facts(result.output, "token")[0].lower().startswith(provider)

    def test_a_server_can_boot_from_a_volume(self):
        result = boot("--from-volume", "--token-dies-at", "never")
        assert facts(result.output, "volume")[0].startswith("/dev/vda, 1 GB, in-use")


class TestTokenThatDies:
    """The same boot, with a token that expires on the way."""

    def test_without_service_tokens_the_server_fails_and_things_are_left(self, shown):
        assert facts(shown, "status") == ["ACTIVE", "ERROR", "ACTIVE"]
        (fault,) = facts(shown, "fault")
        assert fault.startswith("500: Build of instance ")
        assert fault.endswith(" aborted: Block Device Mapping")
        assert "is Invalid: The request you have made requires authentication." in shown
        assert facts(shown, "leaves") == ["1 port, 1 volume, 1 attachment"]

    def test_with_service_tokens_nothing_happens_and_nothing_is_left_after_its_delete(self, shown):
        assert facts(shown, "has") == ["1 port, 1 volume, 1 attachment, 1 allocation, 1 guest"]
        assert facts(shown, "deleted")[-1] == "with a new token, leaving nothing"

    @pytest.mark.parametrize("call", ["CreateVolume", "CreateAttachment", "UpdateAttachment", "DownloadImage"])
    def test_the_call_that_was_asked_for_is_the_first_to_be_refused(self, call):
        lines = boot("--token-dies-at", call, "--no-service-tokens").output.partition("The same boot")[2].splitlines()
        refused = next(place for place, line in enumerate(lines) if "401 Unauthorized" in line)
        assert f": {call} " in lines[refused - 1]

    @pytest.mark.parametrize("option", ["--service-tokens", "--no-service-tokens"])
    def test_one_of_the_two_can_be_asked_for(self, option):
        assert len(facts(boot(option).output, "status")) == 2

    def test_a_call_that_there_was_not_is_refused_before_anything_is_shown(self):
        result = boot("--token-dies-at", "ShowSnapshot")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert "CompleteAttachment, DownloadImage, nor never" in result.stderr


class TestBodies:
    """Requests as clients send them."""

    @pytest.mark.parametrize("name", SERVERS)
    def test_what_a_client_sent_boots_once_its_ids_are_adapted(self, tmp_path, name):
        result = boot("--body", body(tmp_path, SERVERS[name]), "--adapt", "--token-dies-at", "never")
        assert facts(result.output, "status") == ["ACTIVE"], result.output

    @pytest.mark.parametrize("name", SERVERS)
    def test_as_it_is_it_names_what_this_cloud_does_not_have(self, tmp_path, name):
        result = boot("--body", body(tmp_path, SERVERS[name]))
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "400 Bad Request: Flavor" in result.stderr
        assert "--adapt" in result.stderr

    @pytest.mark.parametrize("name", SIGN_INS)
    def test_a_sign_in_needs_the_password_of_this_cloud(self, tmp_path, name):
        signs_in = body(tmp_path, SIGN_INS[name])
        refused = boot("--sign-in", signs_in)
        assert refused.exit_code == 1
        assert "401 Unauthorized" in refused.stderr
        assert facts(boot("--sign-in", signs_in, "--adapt", "--token-dies-at", "never").output, "status") == ["ACTIVE"]

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            ({"nme": "x"}, "Additional properties are not allowed ('nme' was unexpected) (field: server.nme)"),
            ({"name": ""}, "(field: server.name)"),
            ({"min_count": 3, "max_count": 2}, "min_count must be <= max_count (field: server.min_count)"),
            ({"key_name": "lost"}, "400 Bad Request: Invalid key_name provided."),
            ({"flavorRef": "42"}, "400 Bad Request: Flavor 42 could not be found."),
            ({"min_count": 11}, "403 Forbidden: Quota exceeded"),
        ],
    )
    def test_what_nova_refuses_ends_with_its_error(self, tmp_path, wrong, text):
        result = boot("--body", body(tmp_path, {"server": GOOD | wrong}))
        assert (result.exit_code, result.stdout) == (1, "")
        assert text in result.stderr

    def test_what_keystone_refuses_does_too(self, tmp_path):
        result = boot("--sign-in", body(tmp_path, {"server": GOOD}))
        assert result.exit_code == 1
        assert "Keystone refuses" in result.stderr

    def test_servers_of_one_request_are_all_shown(self, tmp_path):
        several = body(tmp_path, {"server": GOOD | {"min_count": 3}})
        result = boot("--body", several, "--token-dies-at", "never")
        assert facts(result.output, "status") == ["ACTIVE"] * 3

    def test_what_this_cloud_has_is_left_as_it_is(self):
        request = read_create_server({"server": GOOD | {"flavorRef": "3"}})
        assert adapted(request, "net") == request

    @given(st.sampled_from(sorted(SERVERS)))
    def test_adapting_twice_is_adapting_once(self, name):
        once = adapted(read_create_server(SERVERS[name]), "net")
        assert isinstance(once, CreateServer)
        assert adapted(once, "net") == once


class TestWrongUse:
    """Arguments that make no sense end with status 2, before anything is done."""

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["--hosts", 0], "0 is not in the range"),
            (["--hosts", "many"], "not a valid integer"),
            (["--format", "saml"], "is not one of"),
            (["--seed", -1], "-1 is not in the range"),
            (["--body", "no such file"], "does not exist"),
            (["--fast"], "No such option"),
            (["soon"], "unexpected extra argument"),
        ],
    )
    def test_it_says_what_is_wrong(self, arguments, text):
        result = boot(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert text in result.stderr

    def test_a_body_that_is_no_json(self, tmp_path):
        result = boot("--body", body(tmp_path, '{"server": '))
        assert result.exit_code == 2
        assert "is no JSON" in result.stderr

    def test_a_body_and_a_volume_to_boot_from(self, tmp_path):
        result = boot("--body", body(tmp_path, {"server": GOOD}), "--from-volume")
        assert result.exit_code == 2
        assert "leave out --from-volume" in result.stderr


def test_ctrl_c_ends_it_without_a_word(monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(World, "run", interrupted)
    result = boot()
    assert (result.exit_code, result.output) == (130, "")
