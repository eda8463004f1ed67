"""Fernet keys of several nodes: rotated on one, copied to the others, and what is unreadable meanwhile."""

from contextlib import suppress

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import CloudError, Conflict, InternalError, NotFound
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import ChangeKeyFile, DistributeKeys, ListKeyFiles, RotateKeys, ValidateToken
from actors.keystone.tokens.errors import KeysUnusable
from actors.keystone.tokens.rotation import PushOrder, Replace, Write
from bus.errors import AskTimeout, BusError, NoListener
from tests.actors.town import Town, play

ORDERS = pytest.mark.parametrize("order", list(PushOrder))


async def readable(town: Town, token: str, node: int) -> bool:
    """Whether a node reads *token*, asked with a token of its own."""
    own = await town.world.bus.ask(town.account("nova"), to=town.keystones[node])
    try:
        await town.ask(ValidateToken(subject=token), own.id, to=town.keystones[node])
    except NotFound:
        return False
    return True


async def made_by(town: Town, node: int) -> str:
    return (await town.world.bus.ask(town.account("demo"), to=town.keystones[node])).id


def folder(town: Town, node: int):
    return town.world.bus.cell(town.keystones[node]).actor.keys


def files(town: Town, node: int) -> dict[str, str]:
    return {name: folder(town, node).read(name) for name in folder(town, node).names()}


async def distribute(town: Town, order: PushOrder = PushOrder.PRIMARY_FIRST, to: int = 1) -> None:
    await town.operate(DistributeKeys(server=str(town.keystones[to].server), order=order))


def test_one_rotation_ahead_is_safe_both_ways_and_two_are_not():
    async def story(town: Town):
        assert await town.operate(RotateKeys()) == 2
        assert await readable(town, await made_by(town, 0), 1)
        assert await readable(town, await made_by(town, 1), 0)
        await town.operate(RotateKeys())
        assert not await readable(town, await made_by(town, 0), 1)
        assert not await readable(town, await made_by(town, 1), 0)

    play(story, keystones=2, config=KeystoneConfig(max_active_keys=3))


@pytest.mark.parametrize("keys", [2, 3, 4, 5])
def test_a_token_dies_at_one_rotation_less_than_there_are_keys(keys):
    async def story(town: Town):
        token, survived = await made_by(town, 0), 0
        while await readable(town, token, 0):
            await town.operate(RotateKeys())
            survived += 1
        return survived

    assert play(story, config=KeystoneConfig(max_active_keys=keys)) == keys - 1


def test_with_one_key_every_rotation_ends_all_tokens():
    async def story(town: Town):
        token = await made_by(town, 0)
        await town.operate(RotateKeys())
        return await readable(town, token, 0)

    assert not play(story, config=KeystoneConfig(max_active_keys=1))


@ORDERS
def test_after_a_copy_both_nodes_have_the_same_keys_and_read_each_others_tokens(order):
    async def story(town: Town):
        for rotations in range(4):
            for _ in range(rotations):
                await town.operate(RotateKeys())
            await distribute(town, order)
            assert files(town, 0) == files(town, 1)
            for maker, reader in ((0, 1), (1, 0)):
                assert await readable(town, await made_by(town, maker), reader)

    play(story, keystones=2)


@pytest.mark.parametrize(
    ("order", "readable_after"),
    [(PushOrder.PRIMARY_FIRST, 1), (PushOrder.ASCENDING, 3), (PushOrder.ATOMIC, 1)],
)
def test_a_node_that_is_two_rotations_behind_reads_new_tokens_only_once_the_new_key_has_come(order, readable_after):
    async def story(town: Town):
        for _ in range(2):
            await town.operate(RotateKeys())
        token, seen = await made_by(town, 0), []
        with town.world.faults.delay(10, message=ChangeKeyFile, answers=False):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(distribute, town, order)
                await anyio.sleep(5)
                for _ in range(5):
                    seen.append(await readable(town, token, 1))
                    await anyio.sleep(10)
        return seen

    assert play(story, keystones=2) == [step >= readable_after for step in range(5)]


def test_a_copy_in_ascending_order_makes_a_node_forget_what_one_rotation_made_primary():
    """The other node knew the new primary key as its staged one, until that was written over."""

    async def story(town: Town):
        await town.operate(RotateKeys())
        token = await made_by(town, 0)
        assert await readable(town, token, 1)
        with town.world.faults.delay(10, message=ChangeKeyFile, answers=False):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(distribute, town, PushOrder.ASCENDING)
                await anyio.sleep(15)
                assert not await readable(town, token, 1)
        assert await readable(town, token, 1)

    play(story, keystones=2)


def test_a_copy_that_is_cut_short_leaves_the_node_with_what_had_come():
    async def story(town: Town):
        await town.operate(RotateKeys())
        before = files(town, 1)
        with town.world.faults.drop(message=ChangeKeyFile, answers=False), pytest.raises(AskTimeout):
            await distribute(town)
        assert files(town, 1) == before
        await distribute(town)
        assert files(town, 1) == files(town, 0)

    play(story, keystones=2)


async def lost_tokens(town: Town, order: PushOrder) -> int:
    """Rotate and copy four times while tokens are made and read; count those that a node did not know."""
    lost = 0

    async def turn() -> None:
        for _ in range(4):
            await town.operate(RotateKeys())
            await distribute(town, order)

    async def sign_in_and_ask(maker: int, reader: int) -> None:
        nonlocal lost
        for _ in range(20):
            try:
                lost += not await readable(town, await made_by(town, maker), reader)
            except (CloudError, BusError):
                return

    async with anyio.create_task_group() as tasks:
        for maker, reader in ((0, 1), (1, 0)):
            tasks.start_soon(sign_in_and_ask, maker, reader)
        with suppress(BusError):
            await turn()
    return lost


@pytest.mark.parametrize("order", [PushOrder.PRIMARY_FIRST, PushOrder.ATOMIC])
@given(seed=st.integers(0, 2**32))
def test_no_token_is_lost_if_keys_are_copied_primary_first_or_at_once_after_each_rotation(order, seed):
    config = KeystoneConfig(max_active_keys=6)
    assert play(lambda town: lost_tokens(town, order), seed=seed, keystones=2, config=config) == 0


def test_some_schedule_loses_a_token_if_keys_are_copied_in_ascending_order():
    config = KeystoneConfig(max_active_keys=6)
    assert any(
        play(lambda town: lost_tokens(town, PushOrder.ASCENDING), seed=seed, keystones=2, config=config)
        for seed in range(50)
    )


# -- wrong use -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["jws", "uuid", "pki"])
def test_formats_without_fernet_keys_have_none_to_rotate_list_or_copy(provider):
    async def story(town: Town):
        for message in (RotateKeys(), ListKeyFiles(), DistributeKeys(server="2")):
            with pytest.raises(Conflict, match="no keys"):
                await town.operate(message)

    play(story, keystones=2, config=KeystoneConfig(provider=provider))


def test_a_node_that_is_not_there_cannot_be_given_keys():
    async def story(town: Town):
        with pytest.raises(NoListener):
            await town.operate(DistributeKeys(server="nowhere"))

    play(story)


def test_a_node_with_a_broken_folder_says_what_is_wrong_and_the_others_go_on():
    async def story(town: Town):
        folder(town, 1).write("1", "garbage")
        with pytest.raises(InternalError, match="no Fernet key"):
            await made_by(town, 1)
        await made_by(town, 0)
        await distribute(town)
        await made_by(town, 1)

    play(story, keystones=2)


def test_a_rotation_without_a_staged_key_fails_and_says_what_to_do():
    async def story(town: Town):
        folder(town, 0).remove("0")
        with pytest.raises(KeysUnusable, match="copy the repository from another node"):
            await town.operate(RotateKeys())

    play(story)


def test_key_texts_are_in_no_repr_of_what_is_sent():
    key = "k" * 44
    for step in (Write("0", key), Replace({"0": key})):
        assert key not in repr(ChangeKeyFile(step=step))
