"""The expiry matrix: what an expired token does to an operation, in each format."""

import pytest

from actors.testing.matrix import Setting, expire, matrix, steps
from actors.testing.operations import OPERATIONS

FORMATS = ("fernet", "jws", "uuid", "pki", "pkiz")
BOOT = OPERATIONS["boot"]


@pytest.mark.parametrize("provider", FORMATS)
def test_a_server_boots_whatever_the_format_of_the_tokens(provider):
    _, outcome = steps(OPERATIONS["boot from volume"], Setting(provider=provider))

    assert outcome.result == "ACTIVE"
    assert dict(outcome.left)["in-use volumes"] == 2


@pytest.mark.parametrize(
    ("provider", "token_cache_time"), [("fernet", -1), ("fernet", 300), ("uuid", 300), ("pki", 300)]
)
def test_without_service_tokens_an_expiry_refuses_the_boot_or_ends_it_in_error_with_nothing_left(
    provider, token_cache_time
):
    setting = Setting(provider=provider, service_tokens=False, token_cache_time=token_cache_time)

    for step, text in matrix(BOOT, setting):
        assert text == ("ERROR" if step.sender.startswith("nova-compute") else "refused, 401"), step


@pytest.mark.parametrize("name", ["boot", "boot from volume", "delete", "attach volume", "snapshot", "live migration"])
def test_with_service_tokens_only_the_users_own_call_is_refused(name):
    for step, text in matrix(OPERATIONS[name], Setting()):
        assert text.startswith("refused, 401") if step.number == 1 else text == "done", step


def test_a_snapshot_whose_token_expires_before_the_upload_leaves_an_image_that_is_never_finished():
    setting = Setting(service_tokens=False)
    found, _ = steps(OPERATIONS["snapshot"], setting)
    (upload,) = [step for step in found if step.call == "UploadImage"]

    assert dict(expire(OPERATIONS["snapshot"], setting, upload).left)["queued images"] == 1
