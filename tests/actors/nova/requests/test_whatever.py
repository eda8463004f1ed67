"""Whatever comes is a message or is refused: recorded bodies with things dropped, replaced and added."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actors.calls import ApiRequest
from actors.nova.errors import ValidationError
from tests.actors.nova.requests.bodies import BODIES, GOOD, IMAGE, PORT, VOLUME, local, read, volume

ODD = st.sampled_from([
    "", " ", "0", "1", "-1", "auto", "none", "local", "volume", "image", "blank", "reboot", IMAGE, PORT, "::1", "10.0.0.1",
    "é\x00", "a:b:c", "9" * 400, 0, 1, -1, 2**63, 1e400, 1.0, 0.5, True, False, None, [], {}, [None], [[]], [{}],
]).map(copy.deepcopy)  # fmt: skip
JSON = st.recursive(
    ODD | st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
NAMES = sorted({
    "uuid", "port", "fixed_ip", "tag", "boot_index", "source_type", "destination_type", "volume_size", "no_device",
    "volume_id", "snapshot_id", "virtual_name", "device_name", "name", "group", "type", "host", "block_migration", "state",
    "min_count", "max_count", "imageRef", "flavorRef", "networks", "metadata", "adminPass", "user_data", "config_drive",
    "availability_zone", "hypervisor_hostname", "block_device_mapping", "block_device_mapping_v2", "security_groups",
    "os:scheduler_hints", "description", "tags", "volumeId", "device", "ram", "vcpus", "disk", "swap", "public_key",
})  # fmt: skip


EXTRA: list[dict[str, Any]] = [
    {"server": GOOD | {"block_device_mapping_v2": [local(), volume()]}},
    {"server": GOOD | {"block_device_mapping": [{"volume_id": VOLUME, "device_name": "vdb"}]}},
    {
        "server": GOOD
        | {"networks": [{"port": PORT}], "metadata": {"a": "b"}, "availability_zone": "z:h:h", "tags": ["t"]}
    },
    {"reboot": {"type": "SOFT"}},
    {"os-migrateLive": {"host": None, "block_migration": "auto"}},
    {"createImage": {"name": "i", "metadata": {"a": "b"}}},
]


def _places(body: Any) -> list[Any]:
    """Every object and list in a body."""
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    mine = [body] if isinstance(body, dict | list) else []
    return [*mine, *(place for part in inner for place in _places(part))]


PLAUSIBLE: dict[str, list[Any]] = {
    "min_count": [1, "2", 3],
    "max_count": [1, "2", 2.0],
    "imageRef": ["", IMAGE, VOLUME],
    "flavorRef": [42, "m1.tiny", "http://["],
    "networks": ["none", [], [{"uuid": PORT, "fixed_ip": "::1"}], [{"port": PORT, "tag": "t"}], [{"port": PORT}] * 2],
    "availability_zone": ["z", "z:h", "z::h", "z:h:i", ":"],
    "host": ["h"],
    "hypervisor_hostname": ["h", "i"],
    "block_device_mapping_v2": [
        [], [local()], [local(), volume()], [volume(boot_index=0)], [volume(boot_index="-1")], [{"no_device": True}],
        [volume(boot_index=n) for n in "10"], [{"source_type": "blank", "volume_type": "fast"}, local()],
    ],
    "block_device_mapping": [[{"volume_id": VOLUME}], [{"virtual_name": "swap"}, {"snapshot_id": PORT, "device_name": "vda"}]],
    "security_groups": [[{}], [{"name": "a"}]],
    "config_drive": ["on", False],
    "description": [None, "d"],
    "trusted_image_certificates": [None, [], ["c"]],
}  # fmt: skip
"""Values of a server's fields that may be good, or not with the others."""


@st.composite
def mutants(draw: st.DrawFn) -> tuple[str, Any]:
    """What a body is about, and that body with a few things dropped, replaced or added, at any depth."""
    body: Any = copy.deepcopy(draw(st.sampled_from([*BODIES.values(), *EXTRA])))
    about = next(iter(body))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(_places(body)))
        if about == "server" and draw(st.integers(0, 2)) and isinstance(body.get(about), dict):
            field = draw(st.sampled_from(list(PLAUSIBLE)))
            body[about][field] = copy.deepcopy(draw(st.sampled_from(PLAUSIBLE[field])))
        elif isinstance(place, list):
            place.insert(draw(st.integers(0, len(place))), draw(ODD | JSON))
        elif place and draw(st.booleans()):
            del place[draw(st.sampled_from(list(place)))]
        else:
            place[draw(st.sampled_from([*place, *NAMES]) | st.text(max_size=5))] = draw(ODD | JSON)
    return about, body


@given(mutants())
def test_whatever_comes_is_a_message_or_is_refused_and_left_as_it_was(sent):
    name, body = sent
    before = copy.deepcopy(body)
    with suppress(ValidationError):
        assert isinstance(read(name, body), ApiRequest)
    assert repr(body) == repr(before)


@given(mutants())
def test_whatever_is_refused_has_a_field_unless_it_is_no_object_at_all(sent):
    name, body = sent
    assume(body and isinstance(body, dict) and "" not in body)
    with pytest.raises(ValidationError) as refused:
        read(name, body)
        assume(False)
    assert refused.value.field
