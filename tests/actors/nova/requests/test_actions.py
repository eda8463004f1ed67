"""Actions, attachments, keypairs and flavors: what a body asks for, and how bad ones are refused."""

import pytest

from actors.ids import FlavorId
from actors.nova.errors import ValidationError
from actors.nova.messages.flavors import AddFlavorAccess, CreateFlavorExtraSpecs, UpdateFlavor
from actors.nova.messages.servers import (
    CreateServerImage,
    LiveMigrateServer,
    LockServer,
    RebootServer,
    ResetServerState,
    UnlockServer,
)
from actors.nova.requests.actions import read_action, read_attach_volume
from actors.nova.requests.flavors import (
    read_add_flavor_access,
    read_create_flavor,
    read_create_flavor_extra_specs,
    read_remove_flavor_access,
    read_update_flavor,
)
from actors.nova.requests.keypairs import read_create_keypair
from tests.actors.nova.requests.bodies import SERVER, VOLUME


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"reboot": {"type": "Hard"}}, RebootServer(server_id=SERVER, type="HARD")),
        ({"lock": None}, LockServer(server_id=SERVER)),
        ({"lock": {"locked_reason": "audit"}}, LockServer(server_id=SERVER)),
        ({"unlock": None}, UnlockServer(server_id=SERVER)),
        (
            {"createImage": {"name": "i", "metadata": {"a": "b"}}},
            CreateServerImage(server_id=SERVER, name="i", metadata={"a": "b"}),
        ),
        ({"os-migrateLive": {"host": None, "block_migration": "auto"}}, LiveMigrateServer(server_id=SERVER)),
        (
            {"os-migrateLive": {"host": "h", "block_migration": "False"}},
            LiveMigrateServer(server_id=SERVER, host="h", block_migration=False),
        ),
        ({"os-resetState": {"state": "error"}}, ResetServerState(server_id=SERVER, state="error")),
    ],
)
def test_an_action_becomes_its_message(body, message):
    assert read_action(SERVER, body) == message


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        (None, ""),
        ({"dance": {}}, "dance"),
        ({"reboot": None}, "reboot"),
        ({"reboot": {}}, "reboot.type"),
        ({"reboot": {"type": "harder"}}, "reboot.type"),
        ({"os-stop": None, "os-start": None}, "os-start"),
        ({"lock": "please"}, "lock"),
        ({"createImage": {}}, "createImage.name"),
        ({"os-migrateLive": {"host": None}}, "os-migrateLive.block_migration"),
        ({"os-migrateLive": {"host": None, "block_migration": "auto", "force": True}}, "os-migrateLive.force"),
        ({"os-resetState": {"state": "deleted"}}, "os-resetState.state"),
    ],
)
def test_a_bad_action_is_refused_with_the_field(body, field):
    with pytest.raises(ValidationError) as refused:
        read_action(SERVER, body)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "volumeId"), ({"volumeId": "v"}, "volumeId"), ({"volumeId": VOLUME, "device": "sda"}, "device")],
)
def test_a_bad_attachment_is_refused_with_the_field(fields, field):
    with pytest.raises(ValidationError) as refused:
        read_attach_volume(SERVER, {"volumeAttachment": fields})
    assert refused.value.field == f"volumeAttachment.{field}"


# -- keypairs, flavors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "name"), ({"name": "a@b"}, "name"), ({"name": "a", "type": "pgp"}, "type"), ({"name": "a", "x": 1}, "x")],
)
def test_a_bad_keypair_is_refused_with_the_field(fields, field):
    with pytest.raises(ValidationError) as refused:
        read_create_keypair({"keypair": fields})
    assert refused.value.field == f"keypair.{field}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ram": 0}, "ram"),
        ({"vcpus": "0"}, "vcpus"),
        ({"disk": -1}, "disk"),
        ({"ram": 2**31}, "ram"),
        ({"id": " "}, "id"),
    ],
)
def test_a_bad_flavor_is_refused_with_the_field(changes, field):
    with pytest.raises(ValidationError) as refused:
        read_create_flavor({"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": 0} | changes})
    assert refused.value.field == f"flavor.{field}"


def test_what_is_said_of_a_flavor_later_is_read_too():
    flavor_id = FlavorId("f")
    assert read_update_flavor(flavor_id, {"flavor": {"description": None}}) == UpdateFlavor(
        flavor_id=flavor_id, description=None
    )
    specs = read_create_flavor_extra_specs(flavor_id, {"extra_specs": {"hw:numa_nodes": 1}})
    assert specs == CreateFlavorExtraSpecs(flavor_id=flavor_id, extra_specs={"hw:numa_nodes": "1"})
    access = {"addTenantAccess": {"tenant": "p"}}
    assert read_add_flavor_access(flavor_id, access) == AddFlavorAccess(flavor_id=flavor_id, tenant="p")
    with pytest.raises(ValidationError, match="'removeTenantAccess' is a required property"):
        read_remove_flavor_access(flavor_id, access)
