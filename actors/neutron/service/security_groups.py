"""Security groups and their rules."""

from collections.abc import Iterable

from actors.context import RequestContext
from actors.ids import ProjectId, SecurityGroupId
from actors.neutron import quotas, rules
from actors.neutron.errors import (
    SecurityGroupCannotRemoveDefault,
    SecurityGroupCannotUpdateDefault,
    SecurityGroupDefaultAlreadyExists,
    SecurityGroupInUse,
    SecurityGroupNotFound,
    SecurityGroupRuleExists,
    SecurityGroupRuleNotFound,
)
from actors.neutron.listing import filtered, page
from actors.neutron.messages import (
    CreateSecurityGroup,
    CreateSecurityGroupRule,
    DeleteSecurityGroup,
    DeleteSecurityGroupRule,
    ListSecurityGroupRules,
    ListSecurityGroups,
    ShowSecurityGroup,
    ShowSecurityGroupRule,
    UpdateSecurityGroup,
)
from actors.neutron.models import RuleId, SecurityGroup, SecurityGroupRule
from actors.neutron.rpc import AGENT_CONTEXT, RefreshSecurityGroups, l2_agent
from actors.neutron.service.base import NeutronPart
from actors.neutron.visibility import owns, project_of
from actors.service import request_context

DEFAULT = "default"


class SecurityGroups(NeutronPart):
    """The calls about security groups, and what they share with those about ports."""

    def default_group(self, project_id: ProjectId) -> SecurityGroup:
        """The default group of a project, made if it has none yet.

        Raises:
            OverQuota: if there is no room for its rules.
        """
        group_id = self.store.default_groups.get(project_id)
        if group_id is not None:
            return self.store.groups[group_id]
        group = self._new_group(project_id, DEFAULT, "Default security group", True, rules.DEFAULT_RULES)
        self.store.default_groups[project_id] = group.id
        return group

    def checked_groups(
        self, context: RequestContext, project_id: ProjectId, asked: Iterable[SecurityGroupId]
    ) -> tuple[SecurityGroupId, ...]:  # fmt: skip
        """The groups that a port of a project asks for, each once.

        Raises:
            SecurityGroupNotFound: if one is none of the project's.
        """
        result = tuple(dict.fromkeys(asked))
        for group_id in result:
            group = self.store.groups.get(group_id)
            if group is None or not (context.is_admin or group.project_id == project_id):
                raise SecurityGroupNotFound(f"security group {group_id} does not exist")
        return result

    def _new_group(
        self, project_id: ProjectId, name: str, description: str, stateful: bool, first: tuple[tuple[str, str, bool], ...]  # noqa: FBT001
    ) -> SecurityGroup:  # fmt: skip
        now = self.clock.time()
        quotas.check(self.store, self.config, project_id, "security_group_rule", len(first), now)
        group = SecurityGroup(
            id=SecurityGroupId(self.ids.uuid()), project_id=project_id, name=name, description=description,
            stateful=stateful, created_at=now, updated_at=now,
        )  # fmt: skip
        self.store.put_group(group)
        for direction, ethertype, from_group in first:
            self.store.add_rule(
                SecurityGroupRule(
                    id=RuleId(self.ids.uuid()), security_group_id=group.id, project_id=project_id, direction=direction,
                    ethertype=ethertype, remote_group_id=group.id if from_group else None, created_at=now,
                )
            )  # fmt: skip
        return group

    def _group(self, group_id: SecurityGroupId) -> SecurityGroup:
        group = self.store.groups.get(group_id)
        if group is None or not owns(request_context(), group):
            raise SecurityGroupNotFound(f"security group {group_id} does not exist")
        return group

    # -- groups --------------------------------------------------------------------------------------------------------

    @CreateSecurityGroup.handler
    async def create_security_group(self, msg: CreateSecurityGroup) -> SecurityGroup:
        project_id = project_of(request_context(), msg.project_id)
        if msg.name.lower() == DEFAULT:
            raise SecurityGroupDefaultAlreadyExists(f"name {msg.name!r} is kept for the default group: give another")
        self.default_group(project_id)
        group = await self.within_quota(
            project_id,
            "security_group",
            lambda: self._new_group(project_id, msg.name, msg.description, msg.stateful, rules.NEW_RULES),
        )
        return self.store.whole(group)

    @ShowSecurityGroup.handler
    async def show_security_group(self, msg: ShowSecurityGroup) -> SecurityGroup:
        return self.store.whole(self._group(msg.security_group_id))

    @ListSecurityGroups.handler
    async def list_security_groups(self, msg: ListSecurityGroups) -> tuple[SecurityGroup, ...]:
        context = request_context()
        if context.project_id is not None:
            self.default_group(context.project_id)
        table = self.store.groups
        rows = (table[one] for one in msg.id if one in table) if msg.id else table.values()
        found = page(filtered((group for group in rows if owns(context, group)), msg), msg)
        return tuple(self.store.whole(group) for group in found)

    @UpdateSecurityGroup.handler
    async def update_security_group(self, msg: UpdateSecurityGroup) -> SecurityGroup:
        group = self._group(msg.security_group_id)
        if group.name == DEFAULT and msg.name is not None:
            raise SecurityGroupCannotUpdateDefault("updating default security group not allowed: it keeps its name")
        if msg.stateful not in {None, group.stateful} and self.store.ports_by_group.get(group.id):
            raise SecurityGroupInUse(f"security group {group.id} in use: take it off its ports to change stateful")
        names = ("name", "description", "stateful")
        changes = {name: value for name in names if (value := getattr(msg, name)) is not None}
        group = self.touched(group, **changes)
        self.store.put_group(group)
        return self.store.whole(group)

    @DeleteSecurityGroup.handler
    async def delete_security_group(self, msg: DeleteSecurityGroup) -> None:
        group = self._group(msg.security_group_id)
        if self.store.ports_by_group.get(group.id):
            raise SecurityGroupInUse(f"security group {group.id} in use: take it off its ports first")
        if group.name == DEFAULT and not request_context().is_admin:
            raise SecurityGroupCannotRemoveDefault("insufficient rights for removing default security group")
        remote = [self.store.rules[rule_id] for rule_id in self.store.rules_by_remote.get(group.id, ())]
        self.store.remove_group(group)
        await self._tell_agents(rule.security_group_id for rule in remote)

    # -- rules ---------------------------------------------------------------------------------------------------------

    @CreateSecurityGroupRule.handler
    async def create_security_group_rule(self, msg: CreateSecurityGroupRule) -> SecurityGroupRule:
        group = self._group(msg.security_group_id)

        def create() -> SecurityGroupRule:
            owner = self._group(msg.security_group_id)
            if msg.remote_group_id is not None:
                self._group(msg.remote_group_id)
            rule = rules.checked(
                SecurityGroupRule(
                    id=RuleId(self.ids.uuid()), security_group_id=owner.id, project_id=owner.project_id,
                    description=msg.description, direction=msg.direction, ethertype=msg.ethertype, protocol=msg.protocol,
                    port_range_min=msg.port_range_min, port_range_max=msg.port_range_max,
                    remote_ip_prefix=msg.remote_ip_prefix, remote_group_id=msg.remote_group_id,
                    created_at=self.clock.time(),
                )
            )  # fmt: skip
            for other in self.store.rules_of(owner.id):
                if rules.key(other) == rules.key(rule):
                    raise SecurityGroupRuleExists(f"security group rule already exists. Rule id is {other.id}")
            self.store.add_rule(rule)
            return rule

        rule = await self.within_quota(group.project_id, "security_group_rule", create)
        await self._tell_agents((rule.security_group_id,))
        return rule

    def _rule(self, rule_id: RuleId) -> SecurityGroupRule:
        rule = self.store.rules.get(rule_id)
        if rule is None or not owns(request_context(), rule):
            raise SecurityGroupRuleNotFound(f"security group rule {rule_id} does not exist")
        return rule

    @ShowSecurityGroupRule.handler
    async def show_security_group_rule(self, msg: ShowSecurityGroupRule) -> SecurityGroupRule:
        return self._rule(msg.rule_id)

    @ListSecurityGroupRules.handler
    async def list_security_group_rules(self, msg: ListSecurityGroupRules) -> tuple[SecurityGroupRule, ...]:
        context = request_context()
        return page(filtered((rule for rule in self.store.rules.values() if owns(context, rule)), msg), msg)

    @DeleteSecurityGroupRule.handler
    async def delete_security_group_rule(self, msg: DeleteSecurityGroupRule) -> None:
        rule = self._rule(msg.rule_id)
        self.store.remove_rule(rule)
        await self._tell_agents((rule.security_group_id,))

    # -- agents --------------------------------------------------------------------------------------------------------

    async def _tell_agents(self, group_ids: Iterable[SecurityGroupId]) -> None:
        """Have the L2 agents that filter by these groups look at them again."""
        if not self.config.enable_security_group:
            return
        hosts: dict[str, dict[SecurityGroupId, None]] = {}
        for group_id in dict.fromkeys(group_ids):
            for port_id in self.store.ports_by_group.get(group_id, ()):
                if host := self.store.ports[port_id].binding.host:
                    hosts.setdefault(host, {})[group_id] = None
        for host, some in hosts.items():
            request = RefreshSecurityGroups(security_group_ids=tuple(some))
            await self.bus.tell(request, to=l2_agent(host), context=AGENT_CONTEXT)

    async def send_changed_members(self, group_ids: list[SecurityGroupId]) -> None:
        """Have agents hear that members of these groups have changed: those that filter by a rule that refers to one."""
        referring = (
            self.store.rules[rule_id].security_group_id
            for group_id in dict.fromkeys(group_ids)
            for rule_id in self.store.rules_by_remote.get(group_id, ())
        )
        await self._tell_agents(list(referring))
