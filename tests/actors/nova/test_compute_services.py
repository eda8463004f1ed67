"""Nova's own services and hypervisors, as administrators see them."""

import anyio
import attrs
import pytest

from actors.errors import Forbidden
from actors.nova.errors import ComputeHostNotFound, HostBinaryNotFound, InvalidInput, MarkerNotFound
from actors.nova.messages.services import ListHypervisors, ListServices, ShowHypervisor, UpdateService
from actors.nova.models import ComputeNode, ComputeService, Flavor, HypervisorServer, Instance
from tests.actors.nova.desk import Office, play


def register(office: Office, *hosts: str) -> None:
    """Have a nova-compute report from each host, with its compute node."""
    now = office.world.bus.clock.time()
    for host in hosts:
        row = ComputeService(binary="nova-compute", host=host, zone="nova", last_seen_up=now)
        office.store.services[row.binary, host] = row
        office.store.save_node(ComputeNode(uuid=f"uuid-{host}", host=host, vcpus=8, memory_mb=1024, local_gb=10))


def place(office: Office, uuid: str, host: str) -> None:
    """Have a server run on a host."""
    flavor = Flavor(id="f", name="f", ram=1, vcpus=1, disk=0)
    row = Instance(
        uuid=uuid,
        display_name=f"name of {uuid}",
        project_id="p",
        user_id="u",
        flavor=flavor,
        created_at=0,
        updated_at=0,
    )
    office.store.insert_instance(row, ())
    office.store.save(row.uuid, 0.0, host=host)


async def hosts(office: Office, **filters) -> list[str]:
    """Names of the hypervisors of a list."""
    return [one.hypervisor_hostname for one in await office.ask(ListHypervisors(**filters), "admin")]


def test_services_are_listed_by_binary_and_host_but_for_the_api():
    async def story(office: Office):
        register(office, "h1", "h2")
        for binary in ("nova-scheduler", "nova-api"):
            office.store.services[binary, "c"] = ComputeService(binary=binary, host="c", last_seen_up=0)

        async def names(**filters: str) -> list[str]:
            return [f"{one.binary}:{one.host}" for one in await office.ask(ListServices(**filters), "admin")]

        assert await names() == ["nova-compute:h1", "nova-compute:h2", "nova-scheduler:c"]
        assert await names(binary="nova-compute") == ["nova-compute:h1", "nova-compute:h2"]
        assert await names(host="h2") == ["nova-compute:h2"]
        assert await names(host="h2", binary="nova-scheduler") == []

    play(story)


def test_a_service_that_did_not_report_lately_is_down():
    async def story(office: Office):
        register(office, "h")
        for wait, state in ((59, "up"), (2, "down")):
            await anyio.sleep(wait)
            (shown,) = await office.ask(ListServices(), "admin")
            assert (shown.state, shown.status, shown.zone) == (state, "enabled", "nova")

    play(story)


def test_a_compute_service_is_disabled_with_a_reason_and_enabled_again():
    async def story(office: Office):
        register(office, "h")
        for status, reason in (("disabled", "disk"), ("disabled", "more"), ("enabled", None)):
            shown = await office.ask(UpdateService(host="h", status=status, disabled_reason=reason), "admin")
            assert (shown.status, shown.disabled_reason) == (status, reason)
            assert office.store.services["nova-compute", "h"].disabled == (status == "disabled")
        assert [(row.host, row.disabled) for row in office.told] == [("h", True), ("h", False)]

    play(story)


@pytest.mark.parametrize(
    ("bad", "error", "text"),
    [
        ({"host": "x"}, HostBinaryNotFound, "Could not find binary nova-compute on host x."),
        ({"binary": "nova-scheduler"}, InvalidInput, "Only nova-compute services can be updated."),
        ({"status": "off"}, InvalidInput, "status 'off'"),
        (
            {"status": "enabled", "disabled_reason": "r"},
            InvalidInput,
            "'disabled_reason' with status 'enabled' is invalid",
        ),
    ],
)
def test_an_update_that_makes_no_sense_is_refused_and_nothing_changes(bad, error, text):
    async def story(office: Office):
        register(office, "h")
        office.store.services["nova-scheduler", "h"] = ComputeService(binary="nova-scheduler", host="h", last_seen_up=0)
        before = dict(office.store.services)
        with pytest.raises(error, match=text):
            await office.ask(UpdateService(**({"host": "h", "status": "disabled"} | bad)), "admin")
        assert office.store.services == before
        assert not office.told

    play(story)


def test_a_hypervisor_is_shown_with_its_service_and_if_asked_with_its_servers():
    async def story(office: Office):
        register(office, "h")
        place(office, "s", "h")
        office.store.save_node(attrs.evolve(office.store.compute_nodes["h"], vcpus_used=1, running_vms=1))
        shown = await office.ask(ShowHypervisor(hypervisor_id="uuid-h"), "admin")
        assert (shown.id, shown.hypervisor_hostname, shown.vcpus, shown.vcpus_used) == ("uuid-h", "h", 8, 1)
        assert (shown.service.state, shown.service.status, shown.servers) == ("up", "enabled", None)
        shown = await office.ask(ShowHypervisor(hypervisor_id="uuid-h", with_servers=True), "admin")
        assert shown.servers == (HypervisorServer(uuid="s", name="name of s"),)
        assert (await office.ask(ListHypervisors(with_servers=True), "admin")) == (shown,)

    play(story)


def test_hypervisors_are_listed_by_page_or_by_pattern():
    async def story(office: Office):
        register(office, "a1", "b1", "b2")
        assert await hosts(office) == ["a1", "b1", "b2"]
        assert await hosts(office, limit=1, marker="uuid-a1") == ["b1"]
        assert await hosts(office, hypervisor_hostname_pattern="1") == ["a1", "b1"]
        with pytest.raises(ComputeHostNotFound, match="No hypervisor matching 'x' could be found"):
            await hosts(office, hypervisor_hostname_pattern="x")
        with pytest.raises(InvalidInput, match="Paging over hypervisors"):
            await hosts(office, hypervisor_hostname_pattern="1", limit=1)
        with pytest.raises(MarkerNotFound):
            await hosts(office, marker="a1")

    play(story)


def test_a_hypervisor_whose_service_is_gone_is_not_shown():
    async def story(office: Office):
        register(office, "h")
        del office.store.services["nova-compute", "h"]
        assert await hosts(office) == []
        for name in ("uuid-h", "x"):
            with pytest.raises(ComputeHostNotFound, match=f"Hypervisor with ID '{name}' could not be found"):
                await office.ask(ShowHypervisor(hypervisor_id=name), "admin")

    play(story)


@pytest.mark.parametrize(
    "request_",
    [ListServices(), UpdateService(host="h", status="disabled"), ListHypervisors(), ShowHypervisor(hypervisor_id="h")],
    ids=lambda request: type(request).__name__,
)
def test_all_of_it_is_for_administrators(request_):
    async def story(office: Office):
        with pytest.raises(Forbidden):
            await office.ask(request_)

    play(story)
