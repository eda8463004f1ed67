"""Setting Keystone up for a token format: its keys or its table, and the provider that one member uses.

A cloud is set up once, by `set_up`; each member then gets the same table and authority, and folders of its own, as copied to
each machine (`Backing.copied`). What a rotation changes on one machine the others learn only when it is distributed.
"""

from collections.abc import Callable
from random import Random
from typing import Final, TypeVar

import attrs

from actors.keystone.config import KeystoneConfig
from actors.keystone.tokens.authority import Authority, create_authority
from actors.keystone.tokens.directory import Directory, MemoryDirectory
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.jws import PRIVATE_KEY, JwsProvider, create_key_pair
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.methods import Methods
from actors.keystone.tokens.payloads import Payloads
from actors.keystone.tokens.pki import PkiProvider
from actors.keystone.tokens.provider import Provider
from actors.keystone.tokens.rotation import run
from actors.keystone.tokens.rotation import set_up as set_up_keys
from actors.keystone.tokens.store import TokenStore
from actors.keystone.tokens.uuid import UuidProvider

T = TypeVar("T")

PUBLIC_KEY: Final = "public.pem"
"""The name under which a node's own public key is put among those that are trusted."""


@attrs.frozen(kw_only=True)
class Backing:
    """What a token format rests on; what it has no use for is None.

    Attributes:
        tokens: the table of stored tokens.
        authority: who signs PKI tokens.
        keys: the folder of Fernet keys.
        private: the folder of the key that signs JWS tokens.
        public: the folder of the keys that JWS tokens are verified with.
    """

    tokens: TokenStore | None = None
    authority: Authority | None = None
    keys: Directory | None = None
    private: Directory | None = None
    public: Directory | None = None

    def copied(self) -> "Backing":
        """The same for another member: a copy of each folder, as it is now."""
        return attrs.evolve(self, keys=_copied(self.keys), private=_copied(self.private), public=_copied(self.public))


def _copied(folder: Directory | None) -> MemoryDirectory | None:
    return None if folder is None else MemoryDirectory({name: folder.read(name) for name in folder.names()})


def set_up(config: KeystoneConfig, chance: Random, now: float) -> Backing:
    """Make what the configured format rests on, as `keystone-manage fernet_setup`, `pki_setup`, `create_jws_keypair` do.

    Args:
        config: the options.
        chance: where keys come from.
        now: seconds since 1970, from which on certificates are valid.
    """
    return _SET_UP[config.provider](config, chance, now)


def make_provider(config: KeystoneConfig, chance: Random, backing: Backing) -> Provider:
    """Make the provider of one member.

    Args:
        config: the options.
        chance: where the random parts of tokens come from.
        backing: what was set up.
    """
    return _PROVIDERS[config.provider](config, chance, backing)


def _set_up_fernet(config: KeystoneConfig, chance: Random, _: float) -> Backing:
    keys = MemoryDirectory()
    run(set_up_keys(keys, chance.randbytes, config.max_active_keys), keys)
    return Backing(keys=keys)


def _set_up_jws(_: KeystoneConfig, chance: Random, __: float) -> Backing:
    pair = create_key_pair(chance.randbytes)
    return Backing(
        private=MemoryDirectory({PRIVATE_KEY: pair.private}), public=MemoryDirectory({PUBLIC_KEY: pair.public})
    )


def _set_up_pki(_: KeystoneConfig, chance: Random, now: float) -> Backing:
    return Backing(tokens=TokenStore(), authority=create_authority(chance.randbytes, now))


_SET_UP: Final[dict[str, Callable[[KeystoneConfig, Random, float], Backing]]] = {
    "fernet": _set_up_fernet,
    "jws": _set_up_jws,
    "uuid": lambda _config, _chance, _now: Backing(tokens=TokenStore()),
    "pki": _set_up_pki,
    "pkiz": _set_up_pki,
}


def _fernet(config: KeystoneConfig, chance: Random, backing: Backing) -> Provider:
    payloads = Payloads(methods=Methods(config.methods), default_domain_id=config.default_domain_id)
    keys = KeyRepository(_there(backing.keys, config))
    return FernetProvider(keys=keys, randomness=chance.randbytes, payloads=payloads)


def _pki(config: KeystoneConfig, _: Random, backing: Backing) -> Provider:
    store, authority = _there(backing.tokens, config), _there(backing.authority, config)
    return PkiProvider(store=store, authority=authority, compress=config.provider == "pkiz")


_PROVIDERS: Final[dict[str, Callable[[KeystoneConfig, Random, Backing], Provider]]] = {
    "fernet": _fernet,
    "jws": lambda config, _, backing: JwsProvider(
        private=_there(backing.private, config), public=_there(backing.public, config)
    ),
    "uuid": lambda config, chance, backing: UuidProvider(
        store=_there(backing.tokens, config), randomness=chance.randbytes
    ),
    "pki": _pki,
    "pkiz": _pki,
}


def _there(part: T | None, config: KeystoneConfig) -> T:
    if part is None:
        raise ValueError(
            f"provider={config.provider!r} lacks what it rests on: make it by set_up() with the same options"
        )
    return part
