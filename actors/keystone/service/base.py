"""What every part of Keystone has in common: its database, how it judges tokens, and what makes them void."""

from collections.abc import Iterable
from random import Random
from typing import Any, TypeVar

import attrs

from actors.auth_token import context_of
from actors.context import Credentials, RequestContext
from actors.errors import Conflict, Forbidden, InternalError, NotFound, Unauthorized
from actors.ids import DomainId, Ids, ProjectId, RoleId, UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.errors import TokenInvalid, UserDisabled
from actors.keystone.models import Domain, Project, Role, User
from actors.keystone.store import Store
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.directory import Directory
from actors.keystone.tokens.errors import TokenError
from actors.keystone.tokens.pki import PkiProvider
from actors.keystone.tokens.provider import Provider
from actors.keystone.tokens.revocation import RevocationEvent
from actors.keystone.tokens.store import TokenStore
from actors.keystone.tokens.uuid import UuidProvider
from actors.keystone.tokens_region import TokensRegion
from actors.keystone.validation import Minted, check, describe
from actors.service import Service, request_context

T = TypeVar("T")
Row = TypeVar("Row", Domain, Project, User, Role)


class KeystonePart(Service):
    """Base of the parts of `actors.keystone.service.KeystoneService`, which sets these attributes."""

    store: Store
    config: KeystoneConfig
    ids: Ids
    chance: Random
    provider: Provider
    keys: Directory | None
    region: TokensRegion

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.clock.time()

    # -- judging tokens ------------------------------------------------------------------------------------------------

    async def admit(self, credentials: Credentials) -> RequestContext:
        """Check the caller's own token: without any window, whatever service token comes along.

        Raises:
            Unauthorized: if there is none, or it is not valid.
            NotFound: if its user, project or domain is gone.
            Forbidden: if its trust does not count any more.
        """
        if credentials.token is None:
            raise Unauthorized("The request you have made requires authentication.")
        try:
            return context_of(self.judge(credentials.token).token, credentials)
        except TokenInvalid as error:
            raise Unauthorized("The request you have made requires authentication.") from error

    def judge(self, text: str, window: float = 0) -> Minted:
        """Read a token and say what it is good for; see `actors.keystone.validation`.

        Args:
            text: the token.
            window: seconds for which an expired token still counts.

        Raises:
            NotFound: if it is not valid; `TokenInvalid` if that is the token's own fault.
            Forbidden: if its trust does not count any more.
            InternalError: if Keystone fails over it.
        """
        now = self.now
        minted = self.region.get(text, now)
        if minted is None:
            claims = self._read(text, now)
            minted = Minted(claims, describe(self.store, claims, now))
            self.region.put(text, minted, now)
        try:
            check(self.store, minted, now, window)
        except UserDisabled:  # since 30.0.0: so that it stays void if the user is enabled again behind Keystone's back
            self.revoke(user_id=minted.claims.user_id)
            raise
        return minted

    def caller(self) -> TokenClaims:
        """What the caller's token says, which the request context tells only in part."""
        return self.judge(request_context().token).claims

    def _read(self, text: str, now: float) -> TokenClaims:
        if not text:
            raise TokenInvalid("No token in the request")
        try:
            return self.provider.read(text, now)
        except TokenError as error:
            if error.subject_status == NotFound.status:
                raise TokenInvalid(str(error)) from error
            raise InternalError(str(error)) from error

    # -- making tokens void --------------------------------------------------------------------------------------------

    @property
    def tokens(self) -> TokenStore | None:
        """The table of tokens, for a format that stores them."""
        return self.provider.store if isinstance(self.provider, UuidProvider | PkiProvider) else None

    def revoke(self, **conditions: Any) -> None:
        """Make the tokens void that meet *conditions*, which are fields of a `RevocationEvent`."""
        self.record(RevocationEvent(revoked_at=self.now, **conditions))
        self.forget(**conditions)

    def record(self, event: RevocationEvent) -> None:
        """Remember a revocation event."""
        self.store.revocations.revoke(event, self.now, self.config.expiration, self.config.expiration_buffer)
        self.region.clear()

    def forget(self, *, user_id: str | None = None, project_id: str | None = None, trust_id: str | None = None) -> None:
        """Read tokens anew, and put stored ones on the revocation list, without a revocation event."""
        self.region.clear()
        if (tokens := self.tokens) is not None:
            for revoke, wanted in (
                (tokens.revoke_user, user_id),
                (tokens.revoke_project, project_id),
                (tokens.revoke_trust, trust_id),
            ):
                if wanted is not None:
                    revoke(wanted, self.now)

    # -- who may -------------------------------------------------------------------------------------------------------

    def demand(self, allowed: bool) -> None:  # noqa: FBT001 (it is the sentence's end)
        """Go on only if policy allows it.

        Raises:
            Forbidden: if it does not.
        """
        if not allowed:
            raise Forbidden("You are not authorized to perform the requested action.")

    # -- rows ----------------------------------------------------------------------------------------------------------

    def domain(self, domain_id: DomainId) -> Domain:
        """A domain, or `NotFound`."""
        return found(self.store.domains.get(domain_id), "domain", domain_id)

    def project(self, project_id: ProjectId) -> Project:
        """A project, or `NotFound`."""
        return found(self.store.projects.get(project_id), "project", project_id)

    def user(self, user_id: UserId) -> User:
        """A user, or `NotFound`."""
        return found(self.store.users.get(user_id), "user", user_id)

    def role(self, role_id: RoleId) -> Role:
        """A role, or `NotFound`."""
        return found(self.store.roles.get(role_id), "role", role_id)

    def free(self, table: Iterable[Row], name: str | None, domain_id: DomainId | None, but: Row | None = None) -> None:
        """Check that no row has *name* yet, but perhaps *but*.

        Raises:
            Conflict: if one has.
        """
        taken = None if name is None else self.store.named(table, name, domain_id)
        if taken is not None and taken is not but:
            kind = type(taken).__name__.lower()
            raise Conflict(f"Conflict occurred attempting to store {kind} - Duplicate entry found with name {name}.")


def found(row: T | None, kind: str, wanted: str) -> T:
    """The row, or `NotFound`."""
    if row is None:
        raise NotFound(f"Could not find {kind}: {wanted}.")
    return row


def changed(row: Row, **values: object) -> Row:
    """A row with the values that are not None."""
    return attrs.evolve(row, **_given(values))


def fitting(rows: Iterable[T], **values: object) -> tuple[T, ...]:
    """The rows that have all the values that are not None."""
    wanted = _given(values)
    return tuple(row for row in rows if all(getattr(row, name) == value for name, value in wanted.items()))


def _given(values: dict[str, object]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
