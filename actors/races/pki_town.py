"""A town with PKI tokens, which services verify by themselves, with a list of revoked ones that they fetch now and then."""

from functools import cache
from random import Random
from typing import Self

from actors.accounts import fill
from actors.ids import DomainId
from actors.keystone.providers import Backing, make_provider
from actors.keystone.service import KeystoneService
from actors.keystone.tokens.authority import Authority, create_authority
from actors.keystone.tokens.store import TokenStore
from actors.races.town import Town
from bus.sim.world import EPOCH


@cache
def authority() -> Authority:
    """Who signs: the same one in all runs, for making its keys takes a second."""
    return create_authority(Random("authority").randbytes, EPOCH)


class PkiTown(Town):
    """A town in whose Keystone tokens are signed messages. Use it in a ``with`` block, which closes the table of tokens."""

    async def _start_identity(self) -> None:
        config, chance, self._table = self.config.keystone, self._chance("keystone"), TokenStore()
        fill(self.stores.keystone, chance["ids"], chance["chance"], DomainId(config.default_domain_id))
        provider = make_provider(config, chance["chance"], Backing(tokens=self._table, authority=authority()))
        await self.begin(KeystoneService, store=self.stores.keystone, config=config, provider=provider, **chance)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._table.close()
