"""nova-api: keypairs (nova's `KeypairAPI` in `compute/api.py`)."""

from actors.ids import ProjectId, UserId
from actors.nova import ssh_keys
from actors.nova.errors import ForbiddenHere, InvalidKeypair, KeyPairExists, KeypairNotFound, OverQuota
from actors.nova.listing import page
from actors.nova.messages.keypairs import CreateKeypair, DeleteKeypair, ListKeypairs, ShowKeypair
from actors.nova.models import Keypair, NewKeypair
from actors.nova.quotas import UNLIMITED
from actors.nova.service.part import NovaPart
from actors.service import request_context


class Keypairs(NovaPart):
    """The handlers."""

    @CreateKeypair.handler
    async def create_keypair(self, msg: CreateKeypair) -> NewKeypair:
        user_id, name = _user(msg.user_id, "create"), msg.name.strip()
        project_id = request_context().project_id or ProjectId("")
        limit = self.store.quota(project_id, self.config.quota).key_pairs
        if limit != UNLIMITED and len(self._keypairs(user_id)) >= limit:
            raise OverQuota(f"Quota exceeded, too many key pairs: {limit} are allowed, delete one.")
        if msg.type != "ssh":
            raise InvalidKeypair(f"Keypair data is invalid: type {msg.type!r} cannot be had here, only 'ssh'")
        private_key, public_key = None, msg.public_key
        if public_key is None:
            private_key, public_key = ssh_keys.generate(self.chance)
        fingerprint = ssh_keys.fingerprint(public_key)
        if (user_id, name) in self.store.keypairs:
            raise KeyPairExists(f"Key pair '{name}' already exists.")
        made = self.store.keypairs[user_id, name] = Keypair(
            name=name, user_id=user_id, public_key=public_key, fingerprint=fingerprint, created_at=self.now
        )
        return NewKeypair(keypair=made, private_key=private_key)

    @ShowKeypair.handler
    async def show_keypair(self, msg: ShowKeypair) -> Keypair:
        return self._keypair(_user(msg.user_id, "show"), msg.name)

    @ListKeypairs.handler
    async def list_keypairs(self, msg: ListKeypairs) -> tuple[Keypair, ...]:
        found = sorted(self._keypairs(_user(msg.user_id, "index")), key=lambda one: one.name)
        return page(found, name=lambda one: one.name, marker=msg.marker, limit=msg.limit, most=self.config.max_limit)

    @DeleteKeypair.handler
    async def delete_keypair(self, msg: DeleteKeypair) -> None:
        found = self._keypair(_user(msg.user_id, "delete"), msg.name)
        del self.store.keypairs[found.user_id, found.name]

    def _keypair(self, user_id: UserId, name: str) -> Keypair:
        found = self.store.keypairs.get((user_id, name))
        if found is None:
            raise KeypairNotFound(f"Keypair {name} not found for user {user_id}")
        return found

    def _keypairs(self, user_id: UserId) -> list[Keypair]:
        return [one for (owner, _), one in self.store.keypairs.items() if owner == user_id]


def _user(asked: UserId | None, what: str) -> UserId:
    """Whose keypairs it is about.

    Raises:
        ForbiddenHere: if they are another user's.
    """
    context = request_context()
    if asked not in {None, context.user_id} and not context.is_admin:
        raise ForbiddenHere(f"Policy doesn't allow os_compute_api:os-keypairs:{what} to be performed.")
    return asked or context.user_id
