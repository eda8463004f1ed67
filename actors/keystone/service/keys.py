"""Keystone: the Fernet keys of its nodes (`keystone-manage fernet_rotate`, and whatever an operator copies keys with).

A rotation is done on one node, and seen there by the next operation. The others learn of it file by file: meanwhile, and if a step
is lost, they cannot read what the rotated node makes with a key that they do not have.
"""

from actors.errors import Conflict
from actors.keystone.messages import TOPIC, ChangeKeyFile, DistributeKeys, ListKeyFiles, RotateKeys
from actors.keystone.service.base import KeystonePart
from actors.keystone.tokens.directory import Directory
from actors.keystone.tokens.keys import read_key_ring
from actors.keystone.tokens.rotation import distribute, rotate, run
from actors.service import request_context
from bus.topic import Target


class Keys(KeystonePart):
    """The handlers for keys."""

    @RotateKeys.handler
    async def rotate_keys(self, msg: RotateKeys) -> int:
        keys = self._folder()
        run(rotate(keys, self.chance.randbytes, self.config.max_active_keys), keys)
        return read_key_ring(keys).primary

    @DistributeKeys.handler
    async def distribute_keys(self, msg: DistributeKeys) -> None:
        keys, context, to = self._folder(), request_context(), Target(TOPIC, server=msg.server)
        names = await self.bus.ask(ListKeyFiles(), to=to, context=context)
        for step in distribute(keys, names, msg.order):
            await self.bus.ask(ChangeKeyFile(step=step), to=to, context=context)

    @ListKeyFiles.handler
    async def list_key_files(self, msg: ListKeyFiles) -> tuple[str, ...]:
        return tuple(self._folder().names())

    @ChangeKeyFile.handler
    async def change_key_file(self, msg: ChangeKeyFile) -> None:
        msg.step.apply(self._folder())

    def _folder(self) -> Directory:
        if self.keys is None:
            raise Conflict("the tokens of this cloud have no keys to rotate")
        return self.keys
