"""Keystone: tokens (keystone's `api/auth.py`, `token/provider.py`)."""

import attrs
from anyio.lowlevel import checkpoint
from cryptography.hazmat.primitives.serialization import Encoding

from actors.context import RequestContext
from actors.errors import Forbidden, InternalError, NotFound, Unauthorized
from actors.keystone.authentication import (
    Identity,
    identify_by_application_credential,
    identify_by_password,
    identify_by_token,
    mint,
)  # fmt: skip
from actors.keystone.errors import TrustNotFound
from actors.keystone.messages import (
    Authenticate,
    CheckToken,
    FetchCertificates,
    FetchRevocationList,
    FlushTokens,
    RevokeToken,
    RevokeUserTokens,
    TokenRevoked,
    ValidateToken,
    admin_or_reader,
)  # fmt: skip
from actors.keystone.models import Certificates, IssuedToken, Token
from actors.keystone.rendering import render
from actors.keystone.service.base import KeystonePart
from actors.keystone.tokens.errors import TokenError
from actors.keystone.tokens.pki import PkiProvider, sign_revocation_list
from actors.keystone.tokens.randomness import random_audit_id
from actors.keystone.tokens.revocation import revoke_token
from actors.keystone.trusts import consume_use
from actors.keystone.validation import Minted
from actors.service import request_context


class Tokens(KeystonePart):
    """The handlers for tokens."""

    @Authenticate.handler
    async def authenticate(self, msg: Authenticate) -> IssuedToken:
        """Prove who it is, find the scope, make the token; then, in a transaction of its own, take a use of the trust."""
        now, audit_id = self.now, random_audit_id(self.chance.randbytes)
        minted = mint(self.store, self.config, self._identity(msg), msg.scope, audit_id=audit_id, now=now)
        text = self._issue(minted)
        self.region.put(text, minted, now)
        self.clock.critical(minted.claims.expires_at, "token expiry")
        if (trust := minted.token.trust) is not None:
            await checkpoint()
            try:
                consume_use(self.store, trust.id)
            except TrustNotFound as error:
                raise Unauthorized(str(error)) from error
        return IssuedToken(id=text, token=minted.token)

    def _identity(self, msg: Authenticate) -> Identity:
        if msg.token is not None:
            try:
                source = self.judge(msg.token).claims
            except NotFound as error:
                raise Unauthorized("The request you have made requires authentication.") from error
            may_rescope = self.config.allow_rescope_scoped_token
            return identify_by_token(self.store, source, msg.scope, may_rescope=may_rescope)
        if msg.application_credential_id is not None or msg.application_credential_name is not None:
            return identify_by_application_credential(self.store, msg, self.now)
        return identify_by_password(self.store, msg)

    def _issue(self, minted: Minted) -> str:
        body = "" if self.tokens is None else render(minted.token, minted.claims)
        try:
            return self.provider.issue(minted.claims, body)
        except TokenError as error:
            raise InternalError(str(error)) from error

    @ValidateToken.handler
    async def validate_token(self, msg: ValidateToken) -> Token:
        token = self._asked_about(msg, service_may=True)
        return attrs.evolve(token, catalog=()) if msg.nocatalog else token

    @CheckToken.handler
    async def check_token(self, msg: CheckToken) -> None:
        self._asked_about(msg, service_may=False)

    def _asked_about(self, msg: ValidateToken | CheckToken, *, service_may: bool) -> Token:
        """Judge the subject, then ask whether the caller may know: so that 404 comes before 403."""
        context = request_context()
        minted = self.judge(msg.subject, self.config.allow_expired_window if msg.allow_expired else 0)
        is_service = service_may and "service" in context.roles
        self.demand(is_service or admin_or_reader(context) or _is_own(minted, context))
        return minted.token

    @RevokeToken.handler
    async def revoke_token(self, msg: RevokeToken) -> None:
        """Record the events, and forget the token if it is stored."""
        context, minted = request_context(), self.judge(msg.subject)
        self.demand(context.is_admin or _is_own(minted, context))
        for event in revoke_token(minted.claims, self.now, cascade=msg.cascade):
            self.record(event)
        self.provider.revoke(msg.subject)
        await self.bus.publish(TokenRevoked(audit_id=minted.claims.audit_id))

    @RevokeUserTokens.handler
    async def revoke_user_tokens(self, msg: RevokeUserTokens) -> None:
        context = request_context()
        self.demand(context.is_admin or context.user_id == msg.user_id)
        self.revoke(user_id=self.user(msg.user_id).id)

    @FetchRevocationList.handler
    async def fetch_revocation_list(self, msg: FetchRevocationList) -> str:
        if not isinstance(self.provider, PkiProvider):
            raise Forbidden("There is no list of revoked tokens: the tokens of this cloud are not PKI tokens.")
        return sign_revocation_list(self.provider.store.revoked(self.now), self.provider.authority)

    @FetchCertificates.handler
    async def fetch_certificates(self, msg: FetchCertificates) -> Certificates:
        if not isinstance(self.provider, PkiProvider):
            raise NotFound("There are no certificates: the tokens of this cloud are not PKI tokens.")
        trust = self.provider.authority.trust
        signing, ca = (certificate.public_bytes(Encoding.PEM).decode() for certificate in (trust.certificate, trust.ca))
        return Certificates(signing=signing, ca=ca)

    @FlushTokens.handler
    async def flush_tokens(self, msg: FlushTokens) -> int:
        deleted = 0
        for rows in () if self.tokens is None else self.tokens.flush(self.now, msg.batch):
            deleted += rows
            await checkpoint()
        return deleted


def _is_own(minted: Minted, context: RequestContext) -> bool:
    return context.user_id == minted.claims.user_id
