"""A boot as people read it: its journey, how it ends, and what it leaves behind. At most 100 characters wide."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text

from actors.cli.launch import Launch
from actors.errors import CloudError
from actors.journey import STEPS, Call, service_of, step_of
from actors.keystone.tokens.unverified import recognize

WIDTH: Final = 100
LEGEND: Final = """\
Times are simulated seconds since the server was asked for. With a call goes along:
  none  nothing                    U   the user's token          U+S  and a service token beside it
  RPC   the context of a request   S   the token of a service    last column: what the server is in
"""
_SHOWN_AS: Final = {"neutron-openvswitch-agent": "l2-agent", "neutron-dhcp-agent": "dhcp-agent"}


def tell(lines: Iterator[Text]) -> None:
    """Print lines: with colours on a terminal, as plain text elsewhere."""
    console = Console()
    console.width = min(WIDTH, console.width) if console.is_terminal else WIDTH
    for line in lines:
        console.print(line, no_wrap=line.no_wrap, overflow=line.overflow)


def journey(launch: Launch) -> Iterator[Text]:
    """A boot from the beginning to the end, step by step."""
    yield from map(Text, LEGEND.splitlines())
    for number, title in STEPS.items():
        yield Text(f"\n{number:2}  {title}", "bold")
        calls = [call for call in launch.calls if step_of(call) == number]
        yield from table(calls, launch.began) if calls else [_row(f"{'':13} nobody is asked")]
    yield Text()
    yield from ending(launch)


def end_of_token(launch: Launch) -> Iterator[Text]:
    """What was done with the user's token once the server was accepted, how that ended, and what was left behind."""
    yield from table(launch.users_calls, launch.began)
    yield Text()
    yield from ending(launch)
    yield _fact("has" if all(server.host for server in launch.servers) else "leaves", _counts(launch.left))
    yield _fact("deleted", f"with a new token, leaving {_counts(launch.left_after_delete)}")


def table(calls: Sequence[Call], began: float) -> Iterator[Text]:
    """A line for each call, or for several that differ in time alone, and one for each refusal."""
    for _, group in groupby(calls, key=_but_for_time):
        call, *others = group
        took = "" if call.seconds is None or others else f"{call.seconds:.3f}"[:5]
        asks = f"{_shown(call.receiver)}: {call.message}{f' x{len(others) + 1}' if others else ''}"
        when, style = f"{call.time - began:7.3f}", "" if call.error is None else "red"
        yield _row(
            f"{when} {took:>5} {_shown(call.sender):<18} {asks:<41} {call.credential.value:<4} {call.state}", style
        )
        if call.error is not None:
            yield _row(f"{'':13} {refusal(call.error)}", style)


def ending(launch: Launch) -> Iterator[Text]:
    """How the servers are, and what they have."""
    issued = launch.issued
    life = issued.token.expires_at - issued.token.issued_at
    yield _fact("token", f"{recognize(issued.id).value}, {len(issued.id)} characters, good for {life:.0f} s")
    for server in launch.servers:
        yield _fact("server", f"{server.name}, {server.id}")
        style = "bold green" if server.status == "ACTIVE" else "bold red"
        yield _fact("status", server.status, style)
        if server.fault is not None:
            yield _fact("fault", f"{server.fault.code}: {server.fault.message}", style)
        if server.host is not None:
            yield _fact("host", server.host)
        for address in server.addresses:
            yield _fact("address", f"{address.addr}, {address.mac_addr}, on the network {address.network}")
        for attachment, volume in zip(launch.attachments, launch.volumes, strict=True):
            if attachment.server_id == server.id:
                yield _fact("volume", f"{attachment.device}, {volume.size} GB, {volume.status}, {volume.id}")


def refusal(error: Exception) -> str:
    """An error in a line: for one of a service its status and title, what is wrong, and the field if it names one."""
    if not isinstance(error, CloudError):
        return f"{type(error).__name__}: {error}"
    field = getattr(error, "field", "")
    return f"{error.status} {error.title}: {error}" + (f" (field: {field})" if field else "")


def _but_for_time(call: Call) -> tuple[object, ...]:
    return call.sender, call.receiver, call.message, call.credential, call.state, str(call.error)


def _shown(address: str) -> str:
    """An address without what need not be said: the number of a service's only member, a storage host's name."""
    service = service_of(address)
    return address.replace(service, _SHOWN_AS.get(service, service)).replace(".storage@", "@").removesuffix(".1")


def _row(line: str, style: str = "") -> Text:
    return Text(line.rstrip(), style, no_wrap=True, overflow="crop")


def _fact(name: str, value: str, style: str = "") -> Text:
    return Text.assemble(f"{name:<9}", (value, style))


def _counts(left: dict[str, int]) -> str:
    return (
        ", ".join(f"{count} {name.removesuffix('s' * (count == 1))}" for name, count in left.items() if count)
        or "nothing"
    )
