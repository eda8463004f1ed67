"""Security groups: the default one, use, rules, and what agents hear."""

import anyio
import pytest

from actors.errors import Conflict, Forbidden, NotFound
from actors.neutron.config import NeutronConfig
from actors.neutron.errors import OverQuota, SecurityGroupInUse, SecurityGroupRuleExists
from actors.neutron.messages import (
    CreateSecurityGroup,
    CreateSecurityGroupRule,
    DeletePort,
    DeleteSecurityGroup,
    DeleteSecurityGroupRule,
    ListSecurityGroupRules,
    ListSecurityGroups,
    ShowSecurityGroup,
    ShowSecurityGroupRule,
    UpdatePort,
    UpdateSecurityGroup,
)
from tests.actors.neutron.harness import DEMO, Town, play
from tests.actors.neutron.invariants import check_agents, check_tables


def test_a_project_gets_its_default_group_when_it_is_needed():
    async def story(town: Town):
        (group,) = await town.ask(ListSecurityGroups())
        assert group.name == "default"
        assert [(r.direction, r.ethertype, r.remote_group_id) for r in group.security_group_rules] == [
            ("egress", "IPv4", None),
            ("egress", "IPv6", None),
            ("ingress", "IPv4", group.id),
            ("ingress", "IPv6", group.id),
        ]
        assert await town.ask(ListSecurityGroups()) == (group,)
        (others,) = await town.ask(ListSecurityGroups(), "other")
        assert others.id != group.id
        with pytest.raises(NotFound):
            await town.ask(ShowSecurityGroup(security_group_id=group.id), "other")

    play(story)


def test_a_new_group_lets_everything_out():
    async def story(town: Town):
        group = await town.ask(CreateSecurityGroup(name="web"))
        assert {(r.direction, r.ethertype) for r in group.security_group_rules} == {
            ("egress", "IPv4"),
            ("egress", "IPv6"),
        }
        assert (await town.ask(UpdateSecurityGroup(security_group_id=group.id, description="x"))).description == "x"

    play(story)


def test_the_default_group_keeps_its_name_and_comes_back():
    async def story(town: Town):
        (group,) = await town.ask(ListSecurityGroups())
        for request in (
            CreateSecurityGroup(name="Default"),
            UpdateSecurityGroup(security_group_id=group.id, name="x"),
            DeleteSecurityGroup(security_group_id=group.id),
        ):
            with pytest.raises(Conflict):
                await town.ask(request)
        await town.ask(DeleteSecurityGroup(security_group_id=group.id), "admin")
        check_tables(town)
        (again,) = await town.ask(ListSecurityGroups())
        assert (again.name, again.id == group.id) == ("default", False)

    play(story)


def test_a_group_goes_once_no_port_uses_it_and_takes_rules_of_others_along():
    async def story(town: Town):
        group, friend = [await town.ask(CreateSecurityGroup(name=name)) for name in ("group", "friend")]
        rule = await town.ask(
            CreateSecurityGroupRule(security_group_id=friend.id, direction="ingress", remote_group_id=group.id)
        )
        port = await town.port(await town.network(), security_groups=(group.id,))
        with pytest.raises(SecurityGroupInUse):
            await town.ask(DeleteSecurityGroup(security_group_id=group.id))
        await town.ask(DeletePort(port_id=port.id))
        await town.ask(DeleteSecurityGroup(security_group_id=group.id))
        with pytest.raises(NotFound):
            await town.ask(ShowSecurityGroupRule(rule_id=rule.id))
        check_tables(town)

    play(story)


def test_a_rule_is_there_once_and_goes():
    async def story(town: Town):
        group = await town.ask(CreateSecurityGroup(name="web"))
        request = CreateSecurityGroupRule(
            security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=80, port_range_max=80
        )
        rule = await town.ask(request)
        with pytest.raises(SecurityGroupRuleExists, match=rule.id):
            await town.ask(request)
        assert await town.ask(ListSecurityGroupRules(protocol=("tcp",))) == (rule,)
        await town.ask(DeleteSecurityGroupRule(rule_id=rule.id))
        with pytest.raises(NotFound):
            await town.ask(DeleteSecurityGroupRule(rule_id=rule.id))
        check_tables(town)

    play(story)


def test_groups_and_rules_stay_within_their_quotas():
    async def story(town: Town):
        await town.ask(CreateSecurityGroup(name="one"))  # beside the default group
        with pytest.raises(OverQuota, match="security_group"):
            await town.ask(CreateSecurityGroup(name="two"))
        (default, *_) = await town.ask(ListSecurityGroups())
        await town.ask(CreateSecurityGroupRule(security_group_id=default.id, direction="ingress", protocol="icmp"))
        with pytest.raises(OverQuota, match="security_group_rule"):
            await town.ask(CreateSecurityGroupRule(security_group_id=default.id, direction="ingress", protocol="tcp"))
        check_tables(town)

    play(story, config=NeutronConfig(quota_security_group=2, quota_security_group_rule=7))


def test_a_port_takes_groups_of_its_project_alone():
    async def story(town: Town):
        (foreign,) = await town.ask(ListSecurityGroups(), "other")
        network = await town.network()
        port = await town.port(network)
        with pytest.raises(NotFound, match=foreign.id):
            await town.port(network, security_groups=(foreign.id,))
        with pytest.raises(NotFound, match=foreign.id):
            await town.ask(UpdatePort(port_id=port.id, security_groups=(foreign.id,)))
        assert (await town.ask(UpdatePort(port_id=port.id, security_groups=()))).security_groups == ()
        assert (await town.port(network, security_groups=())).security_groups == ()
        assert (await town.port(network, port_security_enabled=False)).security_groups == ()
        check_tables(town)

    play(story)


def test_rules_are_not_for_other_projects():
    async def story(town: Town):
        (group,) = await town.ask(ListSecurityGroups())
        with pytest.raises(NotFound):
            await town.ask(CreateSecurityGroupRule(security_group_id=group.id, direction="ingress"), "other")
        with pytest.raises(Forbidden):
            await town.ask(CreateSecurityGroup(name="x", project_id=DEMO), "other")

    play(story)


def test_agents_filter_by_new_rules_and_new_members():
    async def story(town: Town):
        network = await town.network()
        first, second = await town.servers_port(network), await town.servers_port(network)
        for port, host in ((first, "host0"), (second, "host1")):
            await town.bind(port, host)
            await town.plug(port.id, host)
        await anyio.sleep(10)
        check_agents(town)
        before = town.bridges["host0"].wired[first.id]
        await town.port(network)
        await anyio.sleep(10)
        check_agents(town)
        assert town.bridges["host0"].wired[first.id].filters != before.filters
        (group,) = await town.ask(ListSecurityGroups())
        before = town.bridges["host0"].wired[first.id]
        await town.ask(CreateSecurityGroupRule(security_group_id=group.id, direction="ingress", protocol="tcp"))
        await anyio.sleep(10)
        check_agents(town)
        assert town.bridges["host0"].wired[first.id].filters != before.filters

    play(story)
