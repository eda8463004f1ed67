"""What Keystone makes of each file in a key repository, for the operator who looks after it."""

import math
from enum import StrEnum

from actors.keystone.tokens.cipher import FernetKey
from actors.keystone.tokens.directory import Directory
from actors.keystone.tokens.keys import Role, key_number, role


class Unused(StrEnum):
    """Why a file is no key that is used."""

    EMPTY = "empty, so passed over"
    MALFORMED = "holds no key, so every token fails"
    SHADOWED = "another file has its number"
    IGNORED = "its name is no number"


def survey(directory: Directory) -> dict[str, Role | Unused]:
    """Tell what each file in *directory* does, by name: keys in the order in which they are tried, then other files.

    Raises:
        KeysUnusable: The folder, or a file in it, cannot be read.
    """
    names = directory.names()
    files = {name: (number, directory.read(name)) for name in names if (number := key_number(name)) is not None}
    counting = {number: name for name, (number, text) in files.items() if text}
    primary = max(counting, default=0)

    def judge(name: str) -> Role | Unused:
        if name not in files:
            return Unused.IGNORED
        number, text = files[name]
        if not text:
            return Unused.EMPTY
        if counting[number] != name:
            return Unused.SHADOWED
        return role(number, primary) if _is_key(text) else Unused.MALFORMED

    return {
        name: judge(name) for name in sorted(names, key=lambda name: -files[name][0] if name in files else math.inf)
    }


def _is_key(text: str) -> bool:
    try:
        FernetKey(text)
    except ValueError:
        return False
    return True
