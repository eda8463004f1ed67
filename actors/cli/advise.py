"""``python -m actors tokens advise``: how many Fernet keys must be kept, and which tokens a plan loses."""

import attrs
import click

from actors.cli import options
from actors.cli.tables import show
from actors.keystone.tokens.advice import KeyPlan, keys_documented
from actors.keystone.tokens.lifetime import DEFAULT_ALLOW_EXPIRED_WINDOW, DEFAULT_EXPIRATION


@click.command()
@click.option(
    "--expiration",
    type=options.duration,
    default=options.spoken(DEFAULT_EXPIRATION),
    show_default=True,
    help="How long a token lives.",
)
@click.option(
    "--allow-expired-window",
    type=options.duration,
    default=options.spoken(DEFAULT_ALLOW_EXPIRED_WINDOW),
    show_default=True,
    help="How much longer it counts beside a service token.",
)
@click.option("--rotation-interval", type=options.interval, required=True, help="Time between two rotations.")
@click.option(
    "--distribution-delay",
    type=options.duration,
    default="0",
    show_default=True,
    help="Time at most until every node has a rotation.",
)
@click.option("--max-active-keys", type=click.IntRange(min=1), help="Tell which tokens are lost with so many keys.")
def advise(
    *,
    expiration: int,
    allow_expired_window: int,
    rotation_interval: int,
    distribution_delay: int,
    max_active_keys: int | None,
) -> None:
    """Tell how many Fernet keys must be kept, and which tokens are lost.

    Times are whole seconds, or such as 15m, 48h, 1d12h. The status is 1 if tokens are lost.
    """
    plan = KeyPlan(rotation_interval=rotation_interval, distribution_delay=distribution_delay)
    lives = {"by itself": expiration, "beside a service token": expiration + allow_expired_window}
    show(
        ("a token", "counts for", "max_active_keys needed", "as Keystone's FAQ reckons"),
        [
            (use, options.spoken(life), plan.keys_needed(life) or "-", keys_documented(life, rotation_interval))
            for use, life in lives.items()
        ],
    )
    if not plan.arrives_in_time:
        raise click.ClickException(
            f"no number of keys helps: a rotation reaches every node after {options.spoken(distribution_delay)}, but "
            f"the next is made after {options.spoken(rotation_interval)}, and what is then issued on the node that "
            "rotates cannot be read on the others; rotate less often, or distribute faster"
        )
    if max_active_keys is not None:
        _judge(attrs.evolve(plan, max_active_keys=max_active_keys), lives)


def _judge(plan: KeyPlan, lives: dict[str, int]) -> None:
    readable = options.spoken(plan.readable_for)
    losing = {use: life for use, life in lives.items() if plan.lost_before_rotation(life)}
    for use, life in losing.items():
        seconds = plan.lost_before_rotation(life)
        when = (
            "at any time" if seconds == plan.rotation_interval else f"up to {options.spoken(seconds)} before a rotation"
        )
        click.echo(f"LOST {use}: tokens issued {when}. They can be read for {readable} or little more.")
    if losing:
        raise click.ClickException(
            f"max_active_keys = {plan.max_active_keys} loses tokens; keep {plan.keys_needed(max(losing.values()))}"
        )
    click.echo(
        f"With max_active_keys = {plan.max_active_keys} no token is lost: all can be read for {readable} or more."
    )
