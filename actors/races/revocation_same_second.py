"""`revocation-same-second`: who gets a new token within the second of a revocation gets one that is revoked.

The other half of `actors.races.revocation_one_second`. Times are whole seconds, and since keystone 9450cd969 an event hits whatever was issued
in its own second, too: better one token too many than one too few. So a client that changes its password and signs in at once gets a
token that is void from the beginning. If it signs in again because of the 401, it gets another one like it, until the second ends.

That is how Keystone is today. Clients have to know: tempest sleeps for a second after each change of a password (LP 1473567, 1517697), as the
counterpart does here.
"""

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.keystone.messages import ChangePassword
from actors.races.base import Race, Stage
from actors.races.town import Look, Town

LONGEST = 3
"""Seconds between two things that a user does, at most."""


class Person:
    """Changes the password, and then signs in anew, in another second.

    Args:
        town: where.
    """

    def __init__(self, town: Town) -> None:
        self._bus = town.bus
        self._account = town.account("demo")

    async def sign_in(self) -> HeldToken:
        """Sign in."""
        return HeldToken(self._bus, (await self._bus.ask(self._account)).id)

    async def change_password(self) -> None:
        """Change it to what it is, and wait."""
        password = self._account.password or ""
        user = await self.sign_in()
        await user.ask(ChangePassword(original_password=password, password=password))
        await self.wait()

    async def wait(self) -> None:
        """Wait for the next second."""
        await anyio.sleep(1 - self._bus.clock.time() % 1)


class Impatient(Person):
    """Waits for nothing."""

    async def wait(self) -> None:
        """Go on at once."""


async def scenario(stage: Stage) -> None:
    """Somebody changes the password, then signs in and looks."""
    town = await stage.open(Town, auth_token=AuthTokenConfig(token_cache_time=-1))
    person = town.kind(Person)(town)

    async def change(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST, 0.001))
        await person.change_password()
        await anyio.sleep(stage.seconds(f"{name}/pause", LONGEST, 0.001))
        await (await person.sign_in()).ask(Look())

    await stage.together(*stage.some("change", 1, change))


RACE = Race(
    name="revocation-same-second",
    invariants=("S3", "S6", "L4"),
    min_operations=1,
    variant={Person: Impatient},
    scenario=scenario,
    resolution=0,
    today=True,
)
program, counterpart = RACE.programs()
