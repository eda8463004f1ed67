"""Flavors: who sees which, who may use which, and what cannot be."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import Forbidden
from actors.ids import ProjectId
from actors.nova.errors import (
    FlavorAccessExists,
    FlavorAccessNotFound,
    FlavorExists,
    FlavorExtraSpecsNotFound,
    FlavorNotFound,
    InvalidInput,
    MarkerNotFound,
)
from actors.nova.messages.flavors import (
    AddFlavorAccess,
    CreateFlavor,
    CreateFlavorExtraSpecs,
    DeleteFlavor,
    DeleteFlavorExtraSpec,
    ListFlavorAccess,
    ListFlavorExtraSpecs,
    ListFlavors,
    RemoveFlavorAccess,
    ShowFlavor,
    ShowFlavorExtraSpec,
    UpdateFlavor,
)
from actors.nova.models import Flavor, FlavorAccess
from actors.nova.service.flavors import SORT_KEYS
from tests.actors.nova.desk import DEMO, Office, play


async def create(office: Office, id: str = "f", **fields) -> Flavor:
    """Create a flavor named after its id."""
    fields = {"name": f"name of {id}", "ram": 512, "vcpus": 1, "disk": 1} | fields
    return await office.ask(CreateFlavor(id=id, **fields), "admin")


async def ids(office: Office, who: str = "admin", **filters) -> list[str]:
    """Ids of the flavors of a list."""
    return [flavor.id for flavor in await office.ask(ListFlavors(**filters), who)]


def test_a_flavor_is_what_was_asked_for():
    async def story(office: Office):
        made = await create(office, ram=1024, vcpus=2, disk=3, ephemeral=4, swap=5, description="d", name=" n ")
        assert made == Flavor(
            id="f", name="n", ram=1024, vcpus=2, disk=3, ephemeral=4, swap=5, is_public=True, description="d"
        )
        assert await office.ask(ShowFlavor(flavor_id="f")) == made
        unnamed = await office.ask(CreateFlavor(name="x", ram=1, vcpus=1, disk=0), "admin")
        assert len(unnamed.id) == 36

    play(story)


@pytest.mark.parametrize(
    "bad", [{"ram": 0}, {"vcpus": 0}, {"disk": -1}, {"ephemeral": -1}, {"swap": -1}, {"ram": 2**31}], ids=str
)
def test_a_number_out_of_range_is_refused(bad):
    async def story(office: Office):
        with pytest.raises(InvalidInput, match=f"{next(iter(bad))} must be >= "):
            await create(office, **bad)
        assert not office.store.flavors

    play(story)


def test_neither_an_id_nor_a_name_is_given_twice():
    async def story(office: Office):
        await create(office)
        with pytest.raises(FlavorExists, match="Flavor with ID f already exists"):
            await create(office, name="other")
        with pytest.raises(FlavorExists, match="Flavor with name name of f already exists"):
            await create(office, "g", name="name of f")

    play(story)


@pytest.mark.parametrize(
    "request_",
    [
        CreateFlavor(name="n", ram=1, vcpus=1, disk=1),
        UpdateFlavor(flavor_id="f", description="d"),
        DeleteFlavor(flavor_id="f"),
        CreateFlavorExtraSpecs(flavor_id="f", extra_specs={"a": "b"}),
        DeleteFlavorExtraSpec(flavor_id="f", key="a"),
        ListFlavorAccess(flavor_id="f"),
        AddFlavorAccess(flavor_id="f", tenant=DEMO),
        RemoveFlavorAccess(flavor_id="f", tenant=DEMO),
    ],
    ids=lambda request: type(request).__name__,
)
def test_only_administrators_change_flavors(request_):
    async def story(office: Office):
        made = await create(office)
        with pytest.raises(Forbidden):
            await office.ask(request_)
        assert list(office.store.flavors.values()) == [made]

    play(story)


def test_a_private_flavor_is_there_only_for_those_who_may_use_it():
    async def story(office: Office):
        await create(office, is_public=False)
        assert await office.ask(ListFlavorAccess(flavor_id="f"), "admin") == ()
        for who in ("demo", "other"):
            with pytest.raises(FlavorNotFound, match="Flavor f could not be found"):
                await office.ask(ShowFlavor(flavor_id="f"), who)
        given = (FlavorAccess(flavor_id="f", tenant_id=DEMO),)
        assert await office.ask(AddFlavorAccess(flavor_id="f", tenant=DEMO), "admin") == given
        assert await office.ask(ListFlavorAccess(flavor_id="f"), "admin") == given
        assert (await office.ask(ShowFlavor(flavor_id="f"))).id == "f"
        assert (await ids(office, "demo"), await ids(office, "other")) == (["f"], [])
        with pytest.raises(FlavorAccessExists):
            await office.ask(AddFlavorAccess(flavor_id="f", tenant=DEMO), "admin")
        assert await office.ask(RemoveFlavorAccess(flavor_id="f", tenant=DEMO), "admin") == ()
        with pytest.raises(FlavorAccessNotFound):
            await office.ask(RemoveFlavorAccess(flavor_id="f", tenant=DEMO), "admin")
        with pytest.raises(FlavorNotFound):
            await office.ask(ShowFlavor(flavor_id="f"))

    play(story)


def test_a_public_flavor_has_no_list_of_who_may_use_it():
    async def story(office: Office):
        await create(office)
        with pytest.raises(FlavorAccessNotFound, match="Access list not available for public flavors"):
            await office.ask(ListFlavorAccess(flavor_id="f"), "admin")
        with pytest.raises(FlavorAccessExists, match="Can not add access to a public flavor"):
            await office.ask(AddFlavorAccess(flavor_id="f", tenant=DEMO), "admin")

    play(story)


def test_a_list_shows_what_fits_every_filter():
    async def story(office: Office):
        await create(office, "small", ram=128, disk=0)
        await create(office, "big", ram=4096, disk=40)
        await create(office, "mine", is_public=False)
        await office.ask(AddFlavorAccess(flavor_id="mine", tenant=ProjectId("admin-project")), "admin")
        await create(office, "theirs", is_public=False)
        assert await ids(office) == ["big", "mine", "small"]
        assert await ids(office, is_public=False) == ["mine", "theirs"]
        assert await ids(office, is_public=None) == ["big", "mine", "small", "theirs"]
        assert await ids(office, "demo", is_public=None) == ["big", "small"]
        assert await ids(office, "demo", is_public=False) == ["big", "small"]
        assert await ids(office, min_ram=512) == ["big", "mine"]
        assert await ids(office, min_disk=2) == ["big"]

    play(story)


def test_a_list_by_age_may_begin_with_the_newest():
    async def story(office: Office):
        for name in "bca":
            await create(office, name)
        assert await ids(office, sort_key="created_at") == ["b", "c", "a"]
        assert await ids(office, sort_key="created_at", sort_dir="desc") == ["a", "c", "b"]

    play(story)


def test_a_disabled_flavor_is_listed_for_administrators_alone():
    async def story(office: Office):
        office.store.flavors["f"] = attrs.evolve(await create(office), disabled=True)
        assert (await ids(office), await ids(office, "demo")) == (["f"], [])

    play(story)


@pytest.mark.parametrize(
    "bad", [{"sort_key": "colour"}, {"sort_dir": "up"}, {"limit": -1}, {"marker": "none"}], ids=str
)
def test_a_list_that_makes_no_sense_is_refused(bad):
    async def story(office: Office):
        with pytest.raises((InvalidInput, MarkerNotFound)):
            await ids(office, **bad)

    play(story)


@given(
    rams=st.lists(st.integers(1, 3), max_size=6),
    sort_key=st.sampled_from(list(SORT_KEYS)),
    sort_dir=st.sampled_from(["asc", "desc"]),
    limit=st.integers(1, 4),
    min_ram=st.integers(0, 3),
)
def test_pages_put_together_are_the_whole_list_in_order(rams, sort_key, sort_dir, limit, min_ram):
    async def story(office: Office):
        for number, ram in enumerate(rams):
            await create(office, f"f{number}", ram=ram, description=None if ram == 2 else f"{ram}")
        order = {"sort_key": sort_key, "sort_dir": sort_dir, "min_ram": min_ram}
        whole, pages = await ids(office, **order), []
        while page := await ids(office, **order, limit=limit, marker=pages[-1] if pages else None):
            assert len(page) <= limit
            pages += page
        assert pages == whole
        assert sorted(whole) == [f"f{number}" for number, ram in enumerate(rams) if ram >= min_ram]
        if sort_key == "memory_mb":
            found = [office.store.flavors[one].ram for one in whole]
            assert found == sorted(found, reverse=sort_dir == "desc")

    play(story)


def test_only_the_description_of_a_flavor_changes():
    async def story(office: Office):
        await create(office, description="old")
        assert (await office.ask(UpdateFlavor(flavor_id="f", description="new"), "admin")).description == "new"
        assert (await office.ask(UpdateFlavor(flavor_id="f", description=None), "admin")).description is None

    play(story)


def test_a_deleted_flavor_is_gone():
    async def story(office: Office):
        await create(office)
        await office.ask(DeleteFlavor(flavor_id="f"), "admin")
        for request in (ShowFlavor(flavor_id="f"), DeleteFlavor(flavor_id="f"), ListFlavorExtraSpecs(flavor_id="f")):
            with pytest.raises(FlavorNotFound):
                await office.ask(request, "admin")

    play(story)


def test_extra_specs_are_added_changed_and_removed_one_by_one():
    async def story(office: Office):
        await create(office)

        async def put(**specs: str) -> None:
            assert await office.ask(CreateFlavorExtraSpecs(flavor_id="f", extra_specs=specs), "admin") == specs

        await put(a="1", b="2")
        await put(b="3", c="4")
        assert await office.ask(ListFlavorExtraSpecs(flavor_id="f")) == {"a": "1", "b": "3", "c": "4"}
        assert await office.ask(ShowFlavorExtraSpec(flavor_id="f", key="b")) == "3"
        await office.ask(DeleteFlavorExtraSpec(flavor_id="f", key="b"), "admin")
        assert await office.ask(ListFlavorExtraSpecs(flavor_id="f")) == {"a": "1", "c": "4"}
        for request in (ShowFlavorExtraSpec(flavor_id="f", key="b"), DeleteFlavorExtraSpec(flavor_id="f", key="b")):
            with pytest.raises(FlavorExtraSpecsNotFound, match="Flavor f has no extra specs with key b"):
                await office.ask(request, "admin")
        with pytest.raises(InvalidInput, match="Key Names can only contain"):
            await office.ask(CreateFlavorExtraSpecs(flavor_id="f", extra_specs={"a/b": ""}), "admin")

    play(story)
