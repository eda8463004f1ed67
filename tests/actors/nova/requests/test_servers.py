"""`POST /servers`: what a body asks for, and how bad ones are refused."""

import pytest

from actors.nova.errors import ValidationError
from actors.nova.models import BlockDevice
from actors.nova.requests.servers import read_create_server
from tests.actors.nova.requests.bodies import GOOD, IMAGE, LEFT_OUT, PORT, VOLUME, local, server, volume

GOOD_BUT_FLAVOR = {name: value for name, value in GOOD.items() if name != "flavorRef"}


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        (
            {"flavorRef": None}, "flavorRef",
            "Invalid input for field/attribute flavorRef. Value: None. None is not of type 'string', 'integer'",
        ),
        (
            {"flavorRef": LEFT_OUT}, "flavorRef",
            f"Invalid input for field/attribute server. Value: {GOOD_BUT_FLAVOR}. 'flavorRef' is a required property",
        ),
        ({"networks": LEFT_OUT}, "networks", "'networks' is a required property"),
        ({"personality": []}, "personality", "Additional properties are not allowed ('personality' was unexpected)"),
        ({"name": ""}, "name", "Invalid input for field/attribute name. Value: . '' should be non-empty"),
        (
            {"name": " s"}, "name",
            "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace.",
        ),
        ({"key_name": "\x07"}, "key_name", "printable characters"),
        ({"name": "s" * 256}, "name", "is too long"),
        ({"imageRef": "debian"}, "imageRef", "'debian' is not valid under any of the given schemas"),
        ({"imageRef": ""}, "imageRef", "Missing imageRef attribute"),
        ({"imageRef": LEFT_OUT}, "imageRef", "Missing imageRef attribute"),
        ({"min_count": 0}, "min_count", "Value: 0. 0 is less than the minimum of 1"),
        ({"min_count": "0"}, "min_count", "Value: 0. 0 is less than the minimum of 1"),
        ({"max_count": "many"}, "max_count", "'many' does not match '^[0-9]*$'"),
        ({"max_count": True}, "max_count", "True is not of type 'integer', 'string'"),
        ({"min_count": 3, "max_count": "2"}, "min_count", "min_count must be <= max_count"),
        ({"min_count": 2, "max_count": 1}, "min_count", "min_count must be <= max_count"),
        ({"metadata": {"a": 1}}, "metadata.a", "Invalid input for field/attribute a. Value: 1. 1 is not of type 'string'"),
        ({"metadata": {"good": "", "/": ""}}, "metadata./", "does not match any of the regexes"),
        ({"user_data": "abc"}, "user_data", "is not a 'base64'"),
        ({"config_drive": "perhaps"}, "config_drive", "'perhaps' is not one of [True, 'True', "),
        ({"security_groups": ["default"]}, "security_groups.0", "'default' is not of type 'object'"),
        ({"tags": ["a,b"]}, "tags.0", "Invalid input for field/attribute 0. Value: a,b."),
        ({"trusted_image_certificates": ["c"]}, "trusted_image_certificates", "['c'] is expected to be empty"),
        ({"hypervisor_hostname": "a b"}, "hypervisor_hostname", "does not match"),
        ({"availability_zone": "a:b:c:d"}, "availability_zone", "Unable to parse availability_zone"),
        ({"availability_zone": "a:b", "host": "b"}, "host", "are mutually exclusive."),
        ({"networks": "all"}, "networks", "'all' is not valid under any of the given schemas"),
        ({"networks": [{"uuid": "net"}]}, "networks", "is not valid under any of the given schemas"),
        ({"networks": [{}]}, "networks", "Bad network format: missing 'uuid'"),
        ({"networks": [{"port": None}]}, "networks", "Bad network format: missing 'uuid'"),
        (
            {"networks": [{"port": PORT}, {"port": PORT}]}, "networks",
            f"Port ID '{PORT}' was specified twice: you cannot attach a port multiple times.",
        ),
        (
            {"networks": [{"port": PORT, "fixed_ip": "10.0.0.5"}]}, "networks",
            f"Specified Fixed IP '10.0.0.5' cannot be used with port '{PORT}': the two cannot be specified together.",
        ),
        ({"networks": [{"uuid": PORT, "fixed_ip": "10.0.0"}]}, "networks", "is not valid under any"),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_with_what_nova_says_and_the_field(changes, field, text):
    with pytest.raises(ValidationError) as refused:
        server(**changes)
    assert text in str(refused.value)
    assert refused.value.field == f"server.{field}"
    assert (refused.value.status, refused.value.title) == (400, "Bad Request")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"block_device_mapping": [{"volume_id": VOLUME}], "block_device_mapping_v2": [volume()]},
            "Using different block_device_mapping syntaxes is not allowed in the same request.",
        ),
        ({"block_device_mapping_v2": [{"uuid": VOLUME}]}, "Some required fields are missing"),
        ({"block_device_mapping_v2": [volume(uuid=LEFT_OUT)]}, "Missing device UUID."),
        ({"block_device_mapping_v2": [volume(source_type="blank")]}, "Invalid device UUID."),
        ({"block_device_mapping_v2": [local(boot_index=1)]}, "Mapping image to local is not supported."),
        ({"block_device_mapping_v2": [local(boot_index=None)]}, "Mapping image to local is not supported."),
        ({"block_device_mapping_v2": [local(uuid=VOLUME)]}, "Mapping image to local is not supported."),
        ({"block_device_mapping_v2": [local()], "imageRef": ""}, "Mapping image to local is not supported."),
        ({"block_device_mapping_v2": [local(volume_type="fast")]}, "volume_type with destination_type=local is not"),
        ({"block_device_mapping_v2": [volume(volume_type="fast")]}, "volume type to existing volume is not supported."),
        ({"block_device_mapping_v2": [volume()]}, "Boot sequence for the instance"),
        ({"block_device_mapping_v2": [local(), volume(boot_index=0)]}, "Boot sequence for the instance"),
        ({"block_device_mapping_v2": [local(), volume(boot_index="2")]}, "Boot sequence for the instance"),
        ({"block_device_mapping_v2": [volume(boot_index=-1)], "imageRef": ""}, "Boot sequence for the instance"),
        (
            {"block_device_mapping_v2": [local(), volume(device_name="/dev/vda")]},
            "same device name as the root device vda",
        ),
        (
            {"block_device_mapping_v2": [local(), volume()], "max_count": 2},
            "Cannot attach one or more volumes to multiple",
        ),
        ({"block_device_mapping": [{"device_name": "vdb"}]}, "Unrecognized legacy format."),
        ({"block_device_mapping": [{"volume_id": VOLUME}], "imageRef": ""}, "Boot sequence for the instance"),
    ],
)
def test_disks_that_cannot_be_had_are_refused_with_what_nova_says(changes, text):
    for disk in changes.get("block_device_mapping_v2", []):
        if disk.get("uuid") is LEFT_OUT:
            del disk["uuid"]
    with pytest.raises(ValidationError) as refused:
        server(**changes)
    assert text in str(refused.value)
    assert refused.value.field == "server.block_device_mapping_v2"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, ""),
        ([], ""),
        ({}, "server"),
        ({"server": GOOD, "servers": []}, "servers"),
        ({"server": [GOOD]}, "server"),
        ({"server": GOOD, "os:scheduler_hints": {"group": "g"}}, "os:scheduler_hints.group"),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused(body, field):
    with pytest.raises(ValidationError) as refused:
        read_create_server(body)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "body", [{"server": GOOD | {"adminPass": "hush"}, "x": 1}, {"server": [{"adminPass": "hush"}]}]
)
def test_no_error_shows_a_secret(body):
    with pytest.raises(ValidationError) as refused:
        read_create_server(body)
    assert "hush" not in str(refused.value)
    with pytest.raises(ValidationError, match="adminPass") as refused:
        server(adminPass=["hush"])
    assert "hush" not in str(refused.value)
    assert "hush" not in repr(server(adminPass="hush", user_data="hush"))


def test_numbers_and_truth_values_may_be_texts():
    made = server(min_count="2", max_count="3", config_drive="yes", flavorRef=42)
    assert (made.min_count, made.max_count, made.config_drive, made.flavor_ref) == (2, 3, True, "42")


def test_as_many_servers_are_wanted_at_most_as_at_least_unless_it_is_said():
    assert server(min_count=3).max_count == 3


def test_a_flavor_may_be_named_by_its_address():
    assert server(flavorRef="http://nova/v2.1/flavors/m1.tiny?x=1").flavor_ref == "m1.tiny"


@pytest.mark.parametrize(
    ("changes", "zone", "host"),
    [
        ({}, None, None),
        ({"availability_zone": "z"}, "z", None),
        ({"availability_zone": "z:h"}, "z:h", None),
        ({"availability_zone": ":h"}, ":h", None),
        ({"availability_zone": "z::h"}, "z:h", None),
        ({"availability_zone": "z:h:h"}, "z:h", None),
        ({"host": "h"}, None, "h"),
        ({"hypervisor_hostname": "h"}, None, "h"),
        ({"host": "h", "hypervisor_hostname": "h", "availability_zone": "z"}, "z", "h"),
    ],
)
def test_a_host_can_be_forced_or_asked_for(changes, zone, host):
    made = server(**changes)
    assert (made.availability_zone, made.host) == (zone, host)


def test_a_group_is_a_scheduler_hint():
    for hints in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
        assert read_create_server({"server": GOOD, hints: {"group": PORT, "same_host": []}}).group == PORT


def test_security_groups_are_named_once():
    assert server(security_groups=[{"name": "b"}, {"name": "a"}, {"name": "b"}, {}]).security_groups == ("b", "a")


def test_volumes_come_beside_the_disk_of_the_image():
    made = server(block_device_mapping_v2=[local(), volume(boot_index=None, tag="data", delete_on_termination="true")])
    assert made.block_devices == (
        BlockDevice(
            source_type="volume", destination_type="volume", volume_id=VOLUME, tag="data", delete_on_termination=True
        ),
    )  # fmt: skip


def test_the_first_syntax_for_disks_still_counts():
    made = server(block_device_mapping=[{"volume_id": VOLUME, "device_name": "/dev/vdb"}, {"no_device": True}])
    assert (made.image_ref, [disk.boot_index for disk in made.block_devices]) == (IMAGE, [-1])
    for image in (IMAGE, ""):
        made = server(block_device_mapping=[{"snapshot_id": VOLUME, "device_name": "vda"}], imageRef=image)
        assert (made.block_devices[0].snapshot_id, made.block_devices[0].boot_index) == (VOLUME, 0)
