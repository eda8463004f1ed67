"""Keystone: one member of the service. All members share the `Store`; each has key files of its own."""

from random import Random
from typing import ClassVar

from actors.ids import Ids
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import TOPIC
from actors.keystone.service.application_credentials import ApplicationCredentials
from actors.keystone.service.keys import Keys
from actors.keystone.service.projects import Projects
from actors.keystone.service.roles import Roles
from actors.keystone.service.tokens import Tokens
from actors.keystone.service.trusts import Trusts
from actors.keystone.service.users import Users
from actors.keystone.store import Store
from actors.keystone.tokens.directory import Directory
from actors.keystone.tokens.provider import Provider
from actors.keystone.tokens_region import TokensRegion


class KeystoneService(Tokens, Keys, Projects, Users, Roles, Trusts, ApplicationCredentials):
    """Signs users in, says what tokens are good for, and manages who there is.

    It keeps nothing in memory but what `region` does.

    Args:
        store: the database.
        config: the options.
        ids: makes ids.
        chance: where salts, secrets, audit ids and keys come from.
        provider: the format of the tokens, see `actors.keystone.providers`.
        keys: the folder of this node's Fernet keys, for rotation; None for a format without.
        region: where tokens that were read are remembered; None for nowhere, which is Keystone's default.
    """

    topic: ClassVar[str] = TOPIC

    def __init__(
        self, *, store: Store, config: KeystoneConfig, ids: Ids, chance: Random, provider: Provider,
        keys: Directory | None = None, region: TokensRegion | None = None,
    ) -> None:  # fmt: skip
        self.store = store
        self.config = config
        self.ids = ids
        self.chance = chance
        self.provider = provider
        self.keys = keys
        self.region = region or TokensRegion(0)
        self.guard = self

    async def started(self) -> None:
        """Begin; Keystone is its own guard."""
