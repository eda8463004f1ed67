"""Who sees which images, and lists of them (pure rules), as in glance's `db` package."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from actors.context import RequestContext
from actors.glance.errors import InvalidFilter
from actors.glance.messages import ListImages
from actors.glance.models import VISIBILITIES, Image

SORT_KEYS: Final = (
    "name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at", "visibility", "owner",
    "min_disk", "min_ram", "protected",
)  # fmt: skip

Check = Callable[[Image, Any], bool]


def _among(name: str) -> Check:
    return lambda image, wanted: getattr(image, name) in wanted


def _equal(name: str) -> Check:
    return lambda image, wanted: bool(getattr(image, name) == wanted)


_FILTERS: Final[dict[str, Check]] = {
    **{name: _among(name) for name in ("id", "name", "status", "disk_format", "container_format")},
    **{
        name: _equal(name)
        for name in ("owner", "checksum", "os_hash_value", "protected", "os_hidden", "min_disk", "min_ram")
    },
    "size_min": lambda image, wanted: image.size is not None and image.size >= wanted,
    "size_max": lambda image, wanted: image.size is not None and image.size <= wanted,
    "tags": lambda image, wanted: all(tag in image.tags for tag in wanted),
    "properties": lambda image, wanted: all(image.properties.get(key) == value for key, value in wanted.items()),
}
"""What each filter of a list asks of an image."""


def owns(context: RequestContext, image: Image) -> bool:
    """Whether an image is the project's, or is treated so."""
    return context.is_admin or image.owner == context.project_id


def sees(context: RequestContext, image: Image) -> bool:
    """Whether an image is there for whoever asks."""
    return image.visibility in {"public", "community"} or owns(context, image)


def listed(context: RequestContext, image: Image, visibility: str | None) -> bool:
    """Whether a list of images with this *visibility* (None: of those that concern whoever asks) holds an image."""
    if not sees(context, image):
        return False
    if visibility is None:
        return image.visibility != "community" or image.owner == context.project_id
    return visibility in {"all", image.visibility}


def select(context: RequestContext, images: Iterable[Image], msg: ListImages, limit: int) -> tuple[Image, ...]:
    """The images that a list holds.

    Args:
        context: who asks.
        images: all there are.
        msg: filters, order and page.
        limit: images at most.

    Raises:
        InvalidFilter: for a visibility, sort key, limit or marker that is none.
    """
    if msg.visibility not in {None, "all", *VISIBILITIES}:
        raise InvalidFilter(f"visibility {msg.visibility!r}: give one of all, {', '.join(VISIBILITIES)}")
    filters = {name: wanted for name in _FILTERS if (wanted := getattr(msg, name)) not in (None, ())}
    rows = [
        image
        for image in images
        if listed(context, image, msg.visibility)
        and all(_FILTERS[name](image, wanted) for name, wanted in filters.items())
    ]
    _sort(rows, msg)
    start = 0
    if msg.marker is not None:
        ids = [image.id for image in rows]
        if msg.marker not in ids:
            raise InvalidFilter(f"marker {msg.marker!r} is none of the images: give the id of the last one seen")
        start = ids.index(msg.marker) + 1
    return tuple(rows[start : start + limit])


def _sort(rows: list[Image], msg: ListImages) -> None:
    if len(msg.sort_key) != len(msg.sort_dir):
        raise InvalidFilter(f"{len(msg.sort_key)} sort keys and {len(msg.sort_dir)} sort directions: give one for each")
    for key, direction in reversed(list(zip(msg.sort_key, msg.sort_dir, strict=True))):
        if key not in SORT_KEYS or direction not in {"asc", "desc"}:
            raise InvalidFilter(
                f"cannot sort by {key!r} {direction!r}: give one of {', '.join(SORT_KEYS)}, and asc or desc"
            )
        rows.sort(key=lambda image: _sortable(getattr(image, key)), reverse=direction == "desc")


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, 0 if value is None else value)
