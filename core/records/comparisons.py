"""Two images of one lesion, the later laid over the earlier."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image as Picture
from sqlalchemy import select

from core.errors import Invalid, NotFound
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.images import get_image
from core.records.tables import Image
from core.vision.registration import Matrix, Registration, aligned, register


@dataclass(frozen=True)
class Comparison:
    """Two images, and how the second lies over the first; the registration's coordinates are those of kept images."""

    first: Image
    second: Image
    registration: Registration

    def in_widths(self) -> Matrix | None:
        """The fit for drawing: takes places in B to those in A, both from the corner and in widths of their image."""
        matrix = self.registration.matrix
        if matrix is None:
            return None
        # In the registration whole numbers are pixels' middles; a page counts from their corners.
        into, out = _from_widths(self.second.width), np.linalg.inv(_from_widths(self.first.width))
        return np.asarray(out @ matrix @ into, np.float64)


@requires(Permission.READ_CHART)
def compare_images(database: Database, actor: Actor, *, store: ImageStore, first_id: int, second_id: int) -> Comparison:
    """Lay the second image over the first.

    The fit is computed once and then remembered as long as the process lasts, by what the images show. Raises NotFound,
    Unavailable, and Invalid where the two belong to different lesions.
    """
    first, second = (get_image(database, actor, image_id=image_id) for image_id in (first_id, second_id))
    if first.lesion_id != second.lesion_id:
        raise Invalid("The two images show different lesions.")
    return Comparison(first, second, fit(store, first, second))


@requires(Permission.READ_CHART)
def growth_matrices(
    database: Database, actor: Actor, *, store: ImageStore, first_id: int, other_ids: Sequence[int]
) -> dict[int, Matrix]:
    """By the ids of other images of a lesion: what takes their pixels to those of the first, for comparing sizes.

    Left out are those whose fit was refused, or is held by the lesion itself, which would take its growth for a larger
    magnification. A fit takes about half a second and is remembered as in `compare_images`. Raises NotFound,
    Unavailable, and Invalid where the images belong to different lesions.
    """
    with database.reading() as session:
        found = {
            image.id: image for image in session.scalars(select(Image).where(Image.id.in_([first_id, *other_ids])))
        }
    if missing := {first_id, *other_ids} - found.keys():
        raise NotFound(f"There is no image {min(missing)}.")
    if len({image.lesion_id for image in found.values()}) > 1:
        raise Invalid("The images show different lesions.")
    fits = {other: fit(store, found[first_id], found[other]) for other in other_ids}
    return {other: one.matrix for other, one in fits.items() if one.matrix is not None and one.tells_growth}


def fit(store: ImageStore, first: Image, second: Image) -> Registration:
    """How the second of two images of a lesion lies over the first, in coordinates of the kept images.

    Computed and remembered as in `compare_images`. Raises NotFound, Unavailable.
    """
    found = _registered(store, first.display_sha256, second.display_sha256)
    if found.matrix is None:
        return found
    sizes = [_to_kept(_copy(store, image.display_sha256).size, image) for image in (first, second)]
    matrix = sizes[0] @ found.matrix @ np.linalg.inv(sizes[1])
    return Registration(found.accepted, found.quality, matrix, found.held_by)


def laid_over(store: ImageStore, first: Image, second: Image) -> Picture.Image | None:
    """The second image's small copy laid over the first one's, white where it shows nothing; None if refused."""
    found = _registered(store, first.display_sha256, second.display_sha256)
    if not found.accepted:
        return None
    size, over = _copy(store, first.display_sha256).size, _copy(store, second.display_sha256)
    shown = aligned(found, Picture.new("RGB", over.size, "white"), size).convert("L")
    return Picture.composite(aligned(found, over, size), Picture.new("RGB", size, "white"), shown)


@lru_cache(maxsize=4096)
def _registered(store: ImageStore, first_sha256: str, second_sha256: str) -> Registration:
    """The fit of the small copies: they have more pixels than registration looks at, and open far sooner."""
    first, second = (_copy(store, sha256).convert("RGB") for sha256 in (first_sha256, second_sha256))
    return register(first, second)


def _copy(store: ImageStore, sha256: str) -> Picture.Image:
    return Picture.open(io.BytesIO(store.get(sha256)))


def _to_kept(size: tuple[int, int], image: Image) -> Matrix:
    """From coordinates of the small copy to those of the kept image."""
    x, y = image.width / size[0], image.height / size[1]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])


def _from_widths(width: int) -> Matrix:
    return np.array([[width, 0, -0.5], [0, width, -0.5], [0, 0, 1]])
