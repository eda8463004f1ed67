"""What clients were recorded to send becomes the messages that they mean."""

from typing import Any

import pytest

from actors.calls import ApiRequest
from actors.nova.errors import ValidationError
from actors.nova.messages.flavors import CreateFlavor
from actors.nova.messages.keypairs import CreateKeypair
from actors.nova.messages.servers import AttachVolume, CreateServer, StartServer, StopServer
from actors.nova.models import BlockDevice, NetworkRequest
from actors.nova.requests.actions import read_action
from tests.actors.nova.requests.bodies import BODIES, IMAGE, SERVER, VOLUME, read

SDK_IMAGE = "3da3cfa4-abca-46e8-bcf4-b3c7978f93cc"
FLAVOR = "24e06366-832f-4678-86b9-4a0a4765aa95"
NETWORK = (NetworkRequest(network_id="df381602-0d59-49db-9214-176b3822b1fd"),)
SDK_NETWORK = (NetworkRequest(network_id="0cb3fb1a-dcc9-4527-9fe9-8a9e773a9653"),)

OSC, SDK = "python-openstackclient: ", "openstacksdk: "
READ: dict[str, ApiRequest[Any]] = {
    OSC + "keypair create": CreateKeypair(
        name="key1", public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOV4D/XcQlDG0XH7SHobg5clHrZM/Mhkb6A1yjiHPh9"
    ),
    OSC + "flavor create": CreateFlavor(name="f1", vcpus=1, disk=1, ram=512),
    OSC + "server create --wait": CreateServer(
        name="s1", flavor_ref=FLAVOR, image_ref=IMAGE, networks=NETWORK, key_name="key1",
        security_groups=("4e76ba38-fbf2-477c-b322-c4d2ea58987d",),
    ),
    OSC + "server create bfv --wait": CreateServer(
        name="s2", flavor_ref=FLAVOR, networks=NETWORK,
        block_devices=(BlockDevice(
            source_type="image", destination_type="volume", boot_index=0, image_id=IMAGE, volume_size=1
        ),),
    ),
    OSC + "server add volume": AttachVolume(server_id=SERVER, volume_id=VOLUME),
    OSC + "server stop": StopServer(server_id=SERVER),
    OSC + "server start": StartServer(server_id=SERVER),
    SDK + "sdk prep": CreateKeypair(name="k9"),
    SDK + "sdk create_server(wait,auto_ip=False) by names": CreateServer(
        name="sdk1", flavor_ref="42", image_ref=SDK_IMAGE, networks=SDK_NETWORK, key_name="k9"
    ),
    SDK + "sdk create_server no network given": CreateServer(
        name="sdk2", flavor_ref="42", image_ref=SDK_IMAGE, networks="auto"
    ),
    SDK + "sdk create_server boot_from_volume": CreateServer(
        name="sdk3", flavor_ref="42", networks=SDK_NETWORK,
        block_devices=(BlockDevice(
            source_type="image", destination_type="volume", boot_index=0, image_id=SDK_IMAGE, volume_size=1,
            delete_on_termination=True,
        ),),
    ),
    SDK + "sdk create_server auto_ip=True (2)": CreateServer(
        name="sdk4", flavor_ref="42", image_ref=SDK_IMAGE, networks=SDK_NETWORK
    ),
    SDK + "sdk attach_volume(wait)": AttachVolume(server_id=SERVER, volume_id="8ea05962-5ef4-41d6-b2ce-4071a7ea0da8"),
    SDK + "sdk compute proxy create+wait_for_server": CreateServer(
        name="p1", flavor_ref="42", image_ref=SDK_IMAGE, networks=SDK_NETWORK
    ),
}  # fmt: skip
REFUSED = {OSC + "console log show": "There is no such action: os-getConsoleOutput"}


@pytest.mark.parametrize("name", READ)
def test_what_a_client_sends_becomes_the_message_that_it_means(name):
    body = BODIES[name]
    assert read(next(iter(body)), body) == READ[name]


@pytest.mark.parametrize("name", REFUSED)
def test_an_action_that_there_is_not_is_refused(name):
    with pytest.raises(ValidationError, match=REFUSED[name]):
        read_action(SERVER, BODIES[name])


def test_every_recorded_body_has_its_test():
    assert BODIES.keys() == READ.keys() | REFUSED.keys()
