"""Keystone: application credentials (keystone's `api/users.py`, `application_credential/core.py`)."""

from actors.errors import BadRequest, Conflict, Forbidden
from actors.ids import UserId
from actors.keystone.authentication import is_delegated
from actors.keystone.messages import (
    CreateApplicationCredential,
    DeleteApplicationCredential,
    ListApplicationCredentials,
    ShowApplicationCredential,
    admin_or_reader,
)  # fmt: skip
from actors.keystone.models import ApplicationCredential, ApplicationCredentialId, NewApplicationCredential, Token
from actors.keystone.service.base import KeystonePart, fitting, found
from actors.keystone.tokens import base64url
from actors.service import request_context

SECRET_BYTES = 64
"""Random bytes of a secret that Keystone makes."""


class ApplicationCredentials(KeystonePart):
    """The handlers for application credentials."""

    @CreateApplicationCredential.handler
    async def create_application_credential(self, msg: CreateApplicationCredential) -> NewApplicationCredential:
        token = self._check_token(manages=True)
        if request_context().user_id != msg.user_id:
            raise Forbidden("Cannot create an application credential for another user.")
        if token.project is None:
            raise BadRequest(
                "An application credential is for the project of the token that it is made with: scope it."
            )
        self._check_new_credential(msg, token)
        credential = ApplicationCredential(
            id=ApplicationCredentialId(self.ids.hex()),
            name=msg.name,
            user_id=msg.user_id,
            project_id=token.project.id,
            roles=msg.roles or tuple(role.id for role in token.roles),
            description=msg.description,
            expires_at=msg.expires_at,
            unrestricted=msg.unrestricted,
        )
        secret = msg.secret or base64url.encode(self.chance.randbytes(SECRET_BYTES))
        self.store.application_credentials[credential.id] = credential
        self.store.set_password(credential.id, secret, self.chance)
        return NewApplicationCredential(application_credential=credential, secret=secret)

    def _check_new_credential(self, msg: CreateApplicationCredential, token: Token) -> None:
        held = {role.id for role in token.roles}
        for role_id in msg.roles:
            if self.role(role_id).id not in held:
                raise BadRequest(
                    f"Invalid application credential: cannot create one with unassigned role {role_id}; "
                    f"the token gives {', '.join(sorted(held))}"
                )
        if msg.expires_at is not None and msg.expires_at < self.now:
            raise BadRequest(f"expires_at={msg.expires_at} must not be before now, {self.now}.")
        if fitting(self.store.application_credentials.values(), user_id=msg.user_id, name=msg.name):
            raise Conflict(
                f"Conflict occurred attempting to store application_credential - Duplicate entry {msg.name}."
            )

    @ShowApplicationCredential.handler
    async def show_application_credential(self, msg: ShowApplicationCredential) -> ApplicationCredential:
        self.demand(admin_or_reader(request_context()) or _is_owner(msg.user_id))
        self._check_token(manages=False)
        return self._row(msg)

    @ListApplicationCredentials.handler
    async def list_application_credentials(self, msg: ListApplicationCredentials) -> tuple[ApplicationCredential, ...]:
        self.demand(admin_or_reader(request_context()) or _is_owner(msg.user_id))
        self._check_token(manages=False)
        return fitting(self.store.application_credentials.values(), user_id=msg.user_id, name=msg.name)

    @DeleteApplicationCredential.handler
    async def delete_application_credential(self, msg: DeleteApplicationCredential) -> None:
        self.demand(request_context().is_admin or _is_owner(msg.user_id))
        self._check_token(manages=True)
        credential = self._row(msg)
        del self.store.application_credentials[credential.id]
        self.store.drop_password(credential.id)

    def _row(self, msg: ShowApplicationCredential | DeleteApplicationCredential) -> ApplicationCredential:
        credential = self.store.application_credentials.get(msg.application_credential_id)
        owned = credential if credential is not None and credential.user_id == msg.user_id else None
        return found(owned, "Application Credential", msg.application_credential_id)

    def _check_token(self, *, manages: bool) -> Token:
        """Check that the caller's token may see, or manage, application credentials.

        Raises:
            Forbidden: if it was made from a trust or a restricted application credential.
        """
        minted = self.judge(request_context().token)
        used = minted.token.application_credential
        if used is None and (minted.token.trust is not None or is_delegated(minted.claims)):
            raise Forbidden("Cannot manage application credentials with a token issued via delegation.")
        if manages and used is not None and used.restricted:
            raise Forbidden(
                "Using method 'application_credential' is not allowed for managing additional application credentials."
            )
        return minted.token


def _is_owner(user_id: UserId) -> bool:
    return request_context().user_id == user_id
