"""Keystone: users (keystone's `api/users.py`, `identity/core.py`)."""

import attrs

from actors.errors import Unauthorized
from actors.ids import UserId
from actors.keystone.messages import (
    ChangePassword,
    CreateUser,
    DeleteUser,
    ListUsers,
    ShowUser,
    UpdateUser,
    admin_or_reader,
)  # fmt: skip
from actors.keystone.models import User
from actors.keystone.service.base import KeystonePart, changed, fitting
from actors.service import request_context


class Users(KeystonePart):
    """The handlers for users."""

    @CreateUser.handler
    async def create_user(self, msg: CreateUser) -> User:
        self.free(self.store.users.values(), msg.name, self.domain(msg.domain_id).id)
        user = User(
            id=UserId(self.ids.hex()), name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled,
            default_project_id=msg.default_project_id,
        )  # fmt: skip
        self.store.users[user.id] = user
        if msg.password is not None:
            self.store.set_password(user.id, msg.password, self.chance)
        return user

    @ShowUser.handler
    async def show_user(self, msg: ShowUser) -> User:
        context = request_context()
        self.demand(admin_or_reader(context) or context.user_id == msg.user_id)
        return self.user(msg.user_id)

    @ListUsers.handler
    async def list_users(self, msg: ListUsers) -> tuple[User, ...]:
        return fitting(self.store.users.values(), name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled)

    @UpdateUser.handler
    async def update_user(self, msg: UpdateUser) -> User:
        user = self.user(msg.user_id)
        self.free(self.store.users.values(), msg.name, user.domain_id, but=user)
        new = changed(user, name=msg.name, enabled=msg.enabled, default_project_id=msg.default_project_id)
        self.store.users[user.id] = new
        is_disabled = user.enabled and not new.enabled
        if is_disabled:
            self.store.drop_application_credentials(user.id)
        if msg.password is not None:
            self.store.set_password(user.id, msg.password, self.chance)
        if is_disabled or msg.password is not None:
            self.revoke(user_id=user.id)
        return new

    @ChangePassword.handler
    async def change_password(self, msg: ChangePassword) -> None:
        user_id = request_context().user_id
        if not self.store.has_password(user_id, msg.original_password):
            raise Unauthorized("Error when changing user password: the original password is wrong.")
        self.store.set_password(user_id, msg.password, self.chance)
        self.revoke(user_id=user_id)

    @DeleteUser.handler
    async def delete_user(self, msg: DeleteUser) -> None:
        self.remove_user(self.user(msg.user_id))

    def remove_user(self, user: User) -> None:
        """Delete a user with all that only the user has, and make all the user's tokens void."""
        del self.store.users[user.id]
        self.store.drop_grants(user_id=user.id)
        self.store.drop_password(user.id)
        self.store.drop_application_credentials(user.id)
        for trust in tuple(self.store.trusts.values()):
            if trust.deleted_at is None and user.id in (trust.trustor_user_id, trust.trustee_user_id):
                self.store.trusts[trust.id] = attrs.evolve(trust, deleted_at=self.now)
        self.revoke(user_id=user.id)
