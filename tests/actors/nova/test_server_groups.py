"""Server groups: their policies, their quota, and who sees them."""

import pytest

from actors.ids import ServerId
from actors.nova.config import NovaConfig
from actors.nova.errors import InstanceGroupNotFound, InvalidInput, OverQuota
from actors.nova.messages.server_groups import CreateServerGroup, DeleteServerGroup, ListServerGroups, ShowServerGroup
from actors.nova.models import QuotaSet, ServerGroup
from actors.nova.service.server_groups import POLICIES
from tests.actors.nova.desk import DEMO, Office, play


async def create(office: Office, name: str = "g", who: str = "demo", **fields) -> ServerGroup:
    """Create a group."""
    return await office.ask(CreateServerGroup(name=name, **({"group_policy": "anti-affinity"} | fields)), who)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_group_is_what_was_asked_for(policy):
    async def story(office: Office):
        made = await create(office, group_policy=policy)
        assert made == ServerGroup(id=made.id, name="g", project_id=DEMO, user_id="demo", policy=policy)
        assert await office.ask(ShowServerGroup(server_group_id=made.id)) == made

    play(story)


def test_more_than_one_server_of_an_anti_affinity_group_may_be_on_a_host_if_it_is_said():
    async def story(office: Office):
        assert (await create(office, max_server_per_host=3)).max_server_per_host == 3

    play(story)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ({"group_policy": "apart"}, "policy 'apart' is none of"),
        ({"group_policy": "affinity", "max_server_per_host": 1}, "Only anti-affinity policy supports rules."),
        ({"max_server_per_host": 0}, "max_server_per_host must be >= 1, not 0"),
    ],
)
def test_a_group_that_makes_no_sense_is_refused(bad, text):
    async def story(office: Office):
        with pytest.raises(InvalidInput, match=text):
            await create(office, **bad)
        assert not office.store.server_groups

    play(story)


def test_no_more_groups_than_the_quota_of_the_project():
    async def story(office: Office):
        made = await create(office)
        with pytest.raises(OverQuota, match="Quota exceeded, too many server groups"):
            await create(office)
        await create(office, who="other")
        await office.ask(DeleteServerGroup(server_group_id=made.id))
        await create(office)

    play(story, NovaConfig(quota=QuotaSet(server_groups=1)))


def test_groups_of_another_project_look_as_if_they_were_not_there():
    async def story(office: Office):
        made = await create(office)
        for request in (ShowServerGroup(server_group_id=made.id), DeleteServerGroup(server_group_id=made.id)):
            with pytest.raises(InstanceGroupNotFound, match=f"Instance group {made.id} could not be found."):
                await office.ask(request, "other")
        assert await office.ask(ListServerGroups(all_projects=True), "other") == ()
        assert await office.ask(ListServerGroups(), "admin") == ()
        assert await office.ask(ListServerGroups(all_projects=True), "admin") == (made,)
        await office.ask(DeleteServerGroup(server_group_id=made.id), "admin")

    play(story)


def test_a_list_is_cut_to_a_page():
    async def story(office: Office):
        for name in "abcd":
            await create(office, name)

        async def names(**page: int) -> str:
            return "".join(one.name for one in await office.ask(ListServerGroups(**page)))

        assert (await names(), await names(limit=0), await names(limit=2, offset=1), await names(offset=3)) == (
            "abc", "abc", "bc", "d",
        )  # fmt: skip
        for page in ({"limit": -1}, {"offset": -1}):
            with pytest.raises(InvalidInput):
                await names(**page)

    play(story, NovaConfig(max_limit=3))


def test_the_servers_of_a_deleted_group_are_in_none():
    async def story(office: Office):
        made = await create(office)
        office.store.add_group_member(made.id, ServerId("s"))
        assert (await office.ask(ShowServerGroup(server_group_id=made.id))).members == ("s",)
        await office.ask(DeleteServerGroup(server_group_id=made.id))
        assert office.store.group_of(ServerId("s")) is None

    play(story)
