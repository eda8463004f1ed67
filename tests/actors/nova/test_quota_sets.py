"""Quotas: how much a project may have, and has."""

import attrs
import pytest

from actors.errors import Forbidden
from actors.nova.config import NovaConfig
from actors.nova.errors import InvalidInput
from actors.nova.messages.quota_sets import (
    DeleteQuotaSet,
    ShowDefaultQuotaSet,
    ShowQuotaSet,
    ShowQuotaSetDetail,
    UpdateQuotaSet,
)
from actors.nova.messages.server_groups import CreateServerGroup
from actors.nova.models import BuildRequest, Flavor, Instance, QuotaDetail, QuotaSet, RequestSpec
from tests.actors.nova.desk import DEMO, Office, play

DEFAULT = QuotaSet(instances=7)
SHOW = ShowQuotaSet(project_id=DEMO)


async def update(office: Office, **limits) -> QuotaSet:
    """Change the quotas of the project."""
    return await office.ask(UpdateQuotaSet(project_id=DEMO, **limits), "admin")


def accept_server(office: Office) -> None:
    """Have the project have a server with 2 cores and 1024 MB."""
    flavor = Flavor(id="f", name="f", ram=1024, vcpus=2, disk=0)
    spec = RequestSpec(
        project_id=DEMO, user_id="demo", flavor=flavor, resources=flavor.resources(boots_from_volume=False)
    )
    instance = Instance(
        uuid="s", display_name="s", project_id=DEMO, user_id="demo", flavor=flavor, created_at=0, updated_at=0
    )
    office.store.insert_build_request(BuildRequest(instance=instance, spec=spec, block_devices=()))


def test_a_project_may_have_what_is_the_default_until_somebody_says_otherwise():
    async def story(office: Office):
        assert await office.ask(SHOW) == DEFAULT
        changed = attrs.evolve(DEFAULT, cores=5, ram=-1)
        assert await update(office, cores=5, ram=-1) == changed
        assert await office.ask(SHOW) == changed
        assert await office.ask(ShowDefaultQuotaSet(project_id=DEMO)) == DEFAULT
        await office.ask(DeleteQuotaSet(project_id=DEMO), "admin")
        assert await office.ask(SHOW) == DEFAULT

    play(story, NovaConfig(quota=DEFAULT))


def test_the_detail_says_what_the_project_has():
    async def story(office: Office):
        accept_server(office)
        await office.ask(CreateServerGroup(name="g", group_policy="affinity"))
        detail = await office.ask(ShowQuotaSetDetail(project_id=DEMO))
        assert attrs.asdict(detail, recurse=False) == {
            "instances": QuotaDetail(limit=10, in_use=1),
            "cores": QuotaDetail(limit=20, in_use=2),
            "ram": QuotaDetail(limit=51200, in_use=1024),
            "metadata_items": QuotaDetail(limit=128),
            "key_pairs": QuotaDetail(limit=100),
            "server_groups": QuotaDetail(limit=10, in_use=1),
            "server_group_members": QuotaDetail(limit=10),
        }

    play(story)


@pytest.mark.parametrize(
    "bad", [{"cores": 1}, {"ram": 1023}, {"instances": 0}, {"server_groups": 0}, {"key_pairs": -2}], ids=str
)
def test_a_limit_below_what_there_is_or_below_none_is_refused_and_nothing_changes(bad):
    async def story(office: Office):
        accept_server(office)
        await office.ask(CreateServerGroup(name="g", group_policy="affinity"))
        with pytest.raises(InvalidInput, match=f"{next(iter(bad))}.* must be "):
            await update(office, metadata_items=5, **bad)
        assert not office.store.quotas
        if "key_pairs" not in bad:
            await update(office, force=True, **bad)

    play(story)


@pytest.mark.parametrize(
    ("request_", "who"),
    [
        (SHOW, "other"),
        (ShowQuotaSetDetail(project_id=DEMO), "other"),
        (UpdateQuotaSet(project_id=DEMO, cores=100), "demo"),
        (DeleteQuotaSet(project_id=DEMO), "demo"),
    ],
    ids=str,
)
def test_quotas_are_shown_to_their_project_and_changed_by_administrators(request_, who):
    async def story(office: Office):
        with pytest.raises(Forbidden):
            await office.ask(request_, who)
        await office.ask(request_, "admin")

    play(story)
