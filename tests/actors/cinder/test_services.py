"""Services report, are up or down, are enabled or not; types, quotas and options."""

import anyio
import pytest

from actors.cinder.config import CinderConfig
from actors.cinder.errors import InvalidInput, ServiceNotFound, VolumeTypeExists, VolumeTypeInUse, VolumeTypeNotFound
from actors.cinder.messages import (
    CreateVolumeType,
    DeleteQuotaSet,
    DeleteVolumeType,
    ListServices,
    ListVolumeTypes,
    ShowQuotaSet,
    ShowVolumeType,
    UpdateQuotaSet,
    UpdateService,
)
from actors.cinder.models import Connector, Quota, VolumeTypeId
from actors.cinder.rpc import ConnectAttachment
from actors.cinder.storage import StorageArray
from actors.errors import Forbidden
from actors.ids import AttachmentId
from bus.sim import World
from bus.trace import MemorySink
from tests.actors.cinder.depot import CIRROS, DEMO, Depot, play


async def states(depot: Depot) -> dict[str, str]:
    return {one.host: one.state for one in await depot.ask(ListServices(), token="admin")}


def test_a_service_is_down_60_seconds_after_its_last_report():
    async def story(depot: Depot):
        await anyio.sleep(25)
        assert set((await states(depot)).values()) == {"up"}
        depot.world.crash(depot.volumes["block-1@ssd"])
        await anyio.sleep(55)
        assert (await states(depot))["block-1@ssd"] == "up", "80 - 20 s: not more than 60"
        await anyio.sleep(1)
        assert (await states(depot))["block-1@ssd"] == "down"
        assert (await depot.volume()).status == "available", "on the other backend"
        depot.world.crash(depot.volumes["block-2@hdd"])
        await anyio.sleep(100)
        assert (await depot.volume()).status == "error"
        await depot.world.restart(depot.volumes["block-1@ssd"])
        assert (await depot.volume()).status == "available"
        assert (await states(depot))["block-1@ssd"] == "up"

    play(story)


def test_schedulers_leave_a_disabled_backend_alone_and_that_does_not_make_a_dead_one_live():
    async def story(depot: Depot):
        for status, expected in (("disabled", "error"), ("enabled", "available")):
            change = UpdateService(host="block-1@ssd", status=status, disabled_reason="repairs")
            assert (await depot.ask(change, token="admin")).status == status
            assert (await depot.volume()).status == expected
        depot.world.crash(depot.volumes["block-1@ssd"])
        await anyio.sleep(100)
        shown = await depot.ask(UpdateService(host="block-1@ssd", status="enabled"), token="admin")
        assert shown.state == "down", "an edit is no report (B32)"
        with pytest.raises(ServiceNotFound):
            await depot.ask(UpdateService(host="x", status="enabled"), token="admin")
        with pytest.raises(Forbidden):
            await depot.ask(ListServices())
        assert len(await depot.ask(ListServices(binary="cinder-volume", host="block-1@ssd"), token="admin")) == 1

    play(story, arrays={"block-1@ssd": StorageArray(volume_backend_name="ssd")})


def test_volume_types_are_unique_public_or_not_and_in_use():
    async def story(depot: Depot):
        made = await depot.ask(CreateVolumeType(name="gold", extra_specs={"a": "b"}), token="admin")
        secret = await depot.ask(CreateVolumeType(name="secret", is_public=False), token="admin")
        with pytest.raises(VolumeTypeExists):
            await depot.ask(CreateVolumeType(name="gold"), token="admin")
        assert [one.name for one in await depot.ask(ListVolumeTypes())] == ["__DEFAULT__", "gold"]
        assert await depot.ask(ListVolumeTypes(is_public=False), token="admin") == (secret,)
        assert await depot.ask(ListVolumeTypes(extra_specs={"a": "b"})) == (made,)
        assert await depot.ask(ShowVolumeType(volume_type="gold")) == made
        with pytest.raises(VolumeTypeNotFound):
            await depot.ask(ShowVolumeType(volume_type="secret"))
        await depot.volume(volume_type="gold")
        for used in (made.id, VolumeTypeId("__DEFAULT__")):
            with pytest.raises(VolumeTypeInUse):
                await depot.ask(DeleteVolumeType(volume_type_id=used), token="admin")
        await depot.ask(DeleteVolumeType(volume_type_id=secret.id), token="admin")
        with pytest.raises(VolumeTypeNotFound):
            await depot.ask(DeleteVolumeType(volume_type_id=secret.id), token="admin")

    play(story)


def test_quotas_are_shown_set_and_given_back():
    async def story(depot: Depot):
        await depot.volume(size=7)
        shown = await depot.ask(ShowQuotaSet(project_id=DEMO))
        assert (shown.volumes, shown.gigabytes) == (Quota(limit=10, in_use=1), Quota(limit=1000, in_use=7))
        assert (shown.snapshots.limit, shown.per_volume_gigabytes.limit) == (10, -1)
        with pytest.raises(Forbidden):
            await depot.ask(ShowQuotaSet(project_id=DEMO), token="other")
        with pytest.raises(InvalidInput):
            await depot.ask(UpdateQuotaSet(project_id=DEMO, volumes=5, snapshots=-2), token="admin")
        changed = await depot.ask(UpdateQuotaSet(project_id=DEMO, gigabytes=5), token="admin")
        assert (changed.volumes.limit, changed.gigabytes) == (10, Quota(limit=5, in_use=7))
        await depot.ask(DeleteQuotaSet(project_id=DEMO), token="admin")
        assert (await depot.ask(ShowQuotaSet(project_id=DEMO))).gigabytes.limit == 1000

    play(story)


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("quota_volumes", -2, "'quota_volumes' must be >= -1: -2"),
        ("scheduler_max_attempts", 0, "'scheduler_max_attempts' must be >= 1: 0"),
        ("service_down_time", 10, "'service_down_time' must be > report_interval"),
        ("backend_stats_polling_interval", 1, "'backend_stats_polling_interval' must be >= 3: 1"),
        ("scheduler_default_filters", ("ShoeFilter",), "scheduler_default_filters"),
    ],
)
def test_options_that_make_no_sense_are_refused(option, value, text):
    with pytest.raises(ValueError, match=text):
        CinderConfig(**{option: value})


@pytest.mark.parametrize("wrong", [{"total_capacity_gb": -1}, {"reserved_percentage": 101}])
def test_arrays_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        StorageArray(**wrong)


def test_calls_within_cinder_carry_the_context():
    async def story(depot: Depot):
        with pytest.raises(TypeError, match="is an RPC"):
            await depot.ask(ConnectAttachment(attachment_id=AttachmentId("x"), connector=Connector(host="h")))

    play(story, arrays={"block-1@ssd": StorageArray(volume_backend_name="ssd")})


def test_the_same_seed_gives_the_same_run():
    def run() -> str:
        sink = MemorySink()

        async def story(depot: Depot):
            for _ in range(3):
                await depot.volume(image_id=CIRROS)

        play(story, world=World(11, trace=sink))
        return sink.digest()

    assert run() == run()
