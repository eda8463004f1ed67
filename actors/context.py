"""Who asks: what an API call carries, and what a service makes of it."""

from typing import Self

import attrs

from actors.ids import DomainId, ProjectId, UserId


@attrs.frozen(kw_only=True)
class Credentials:
    """What an API call carries beside its message: the headers X-Auth-Token, X-Service-Token and X-OpenStack-Request-ID.

    Attributes:
        token: the user's token; None for a call that needs none, such as signing in.
        service_token: the token of the service that calls on the user's behalf.
        request_id: of the request that the caller is working on.
    """

    token: str | None = attrs.field(default=None, repr=False)
    service_token: str | None = attrs.field(default=None, repr=False)
    request_id: str = ""


@attrs.frozen(kw_only=True)
class RequestContext:
    """What a service knows of who asks. Made by `actors.auth_token` from an API call; carried along by every RPC.

    The token in it cannot be renewed by anybody but the user, as in nova's `context.py`: once it has expired, every API call
    made with this context is refused.

    Attributes:
        user_id: who asks.
        project_id: for which project; None for a token without one.
        user_domain_id: the user's domain.
        project_domain_id: the project's domain.
        roles: names of the roles that the token gives.
        system_scope: ``"all"`` for a token of the system.
        is_admin: whether policy takes it for an administrator.
        token: the user's token.
        service_roles: names of the roles of the service that asks on the user's behalf; empty if none does.
        request_id: of this request.
    """

    user_id: UserId
    project_id: ProjectId | None = None
    user_domain_id: DomainId | None = None
    project_domain_id: DomainId | None = None
    roles: tuple[str, ...] = ()
    system_scope: str | None = None
    is_admin: bool = False
    token: str = attrs.field(repr=False)
    service_roles: tuple[str, ...] = ()
    request_id: str = ""

    def elevated(self) -> Self:
        """The same with the rights of an administrator, and still the user's token, as in nova's `context.py`."""
        roles = self.roles if "admin" in self.roles else (*self.roles, "admin")
        return attrs.evolve(self, roles=roles, is_admin=True)
