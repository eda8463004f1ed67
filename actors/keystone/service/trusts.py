"""Keystone: trusts (keystone's `api/trusts.py`, `trust/core.py`)."""

import attrs

from actors.errors import BadRequest, Conflict, Forbidden, NotFound
from actors.keystone.authentication import is_delegated
from actors.keystone.messages import CreateTrust, DeleteTrust, ListTrusts, ShowTrust, admin_or_reader
from actors.keystone.models import Trust, TrustId
from actors.keystone.service.base import KeystonePart, fitting
from actors.keystone.trusts import check_redelegation, held_roles, pedigree, redelegation_count, usable
from actors.service import request_context


class Trusts(KeystonePart):
    """The handlers for trusts."""

    @CreateTrust.handler
    async def create_trust(self, msg: CreateTrust) -> Trust:
        parent = self._parent()
        self._check_new_trust(msg)
        trust = Trust(
            id=TrustId(self.ids.hex()),
            trustor_user_id=msg.trustor_user_id,
            trustee_user_id=msg.trustee_user_id,
            impersonation=msg.impersonation,
            project_id=msg.project_id,
            roles=msg.roles,
            expires_at=parent.expires_at if parent is not None and msg.expires_at is None else msg.expires_at,
            remaining_uses=msg.remaining_uses,
            redelegation_count=redelegation_count(
                allowed=msg.allow_redelegation,
                requested=msg.redelegation_count,
                remaining_uses=msg.remaining_uses,
                parent=parent,
                most=self.config.max_redelegation_count,
            ),
            redelegated_trust_id=None if parent is None else parent.id,
        )
        chain = () if parent is None else pedigree(self.store, parent.id, self.now)
        for ancestor in chain:
            check_redelegation(ancestor, trust)
        original = chain[-1].trustor_user_id if chain else trust.trustor_user_id
        for role_id in set(trust.roles) - held_roles(self.store, original, trust.project_id):
            raise NotFound(f"Could not find role: {role_id}.")
        self.store.trusts[trust.id] = trust
        return trust

    def _parent(self) -> Trust | None:
        """The trust that the caller's token was made from."""
        trust_id = self._check_not_delegated()
        return None if trust_id is None else usable(self.store, trust_id, self.now)

    def _check_not_delegated(self) -> TrustId | None:
        claims = self.caller()
        if is_delegated(claims):
            raise Forbidden("Delegated tokens cannot manage trusts.")
        return None if claims.trust_id is None else TrustId(claims.trust_id)

    def _check_new_trust(self, msg: CreateTrust) -> None:
        if msg.project_id is not None and not msg.roles:
            raise Forbidden("At least one role should be specified")
        if request_context().user_id != msg.trustor_user_id:
            raise Forbidden("The authenticated user should match the trustor")
        if msg.remaining_uses is not None and msg.remaining_uses < 1:
            raise BadRequest(f"remaining_uses={msg.remaining_uses} must be a positive integer or null.")
        self.user(msg.trustee_user_id)
        if msg.project_id is not None:
            self.project(msg.project_id)
        for role_id in msg.roles:
            self.role(role_id)
        if msg.expires_at is not None:
            if msg.expires_at < self.now:
                raise BadRequest(f"expires_at={msg.expires_at} must not be before now, {self.now}.")
            self._check_unique(msg)

    def _check_unique(self, msg: CreateTrust) -> None:
        """Of two trusts that end at the same time one must differ in more; even one that was deleted is in the way."""
        same = fitting(
            self.store.trusts.values(), trustor_user_id=msg.trustor_user_id, trustee_user_id=msg.trustee_user_id,
            project_id=msg.project_id, impersonation=msg.impersonation, expires_at=msg.expires_at,
        )  # fmt: skip
        if same:
            raise Conflict(f"Conflict occurred attempting to store trust - Duplicate entry: {same[0].id}.")

    @ShowTrust.handler
    async def show_trust(self, msg: ShowTrust) -> Trust:
        trust, context = usable(self.store, msg.trust_id, self.now), request_context()
        self.demand(admin_or_reader(context) or context.user_id in (trust.trustor_user_id, trust.trustee_user_id))
        self._check_not_delegated()
        return trust

    @ListTrusts.handler
    async def list_trusts(self, msg: ListTrusts) -> tuple[Trust, ...]:
        context, wanted = request_context(), msg.trustor_user_id or msg.trustee_user_id
        self.demand(admin_or_reader(context) or (wanted is not None and context.user_id == wanted))
        self._check_not_delegated()
        rows = fitting(
            self.store.trusts.values(), trustor_user_id=msg.trustor_user_id, trustee_user_id=msg.trustee_user_id
        )
        return tuple(trust for trust in rows if trust.deleted_at is None)

    @DeleteTrust.handler
    async def delete_trust(self, msg: DeleteTrust) -> None:
        trust, context = usable(self.store, msg.trust_id, self.now), request_context()
        self.demand(context.is_admin or context.user_id == trust.trustor_user_id)
        self._check_not_delegated()
        self._remove(trust)

    def _remove(self, trust: Trust) -> None:
        """Delete a trust, after those that follow from it and have the same trustor."""
        rows = self.store.trusts.values()
        for child in fitting(rows, redelegated_trust_id=trust.id, trustor_user_id=trust.trustor_user_id):
            if child.deleted_at is None:
                self._remove(child)
        self.store.trusts[trust.id] = attrs.evolve(trust, deleted_at=self.now)
        self.revoke(trust_id=trust.id)
