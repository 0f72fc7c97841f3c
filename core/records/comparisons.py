"""Two images of one lesion, the later laid over the earlier."""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image as Picture

from core.errors import Invalid
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.images import get_image
from core.records.tables import Image
from core.vision.registration import Matrix, Registration, register


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
    found = _registered(store, first.display_sha256, second.display_sha256)
    if found.matrix is not None:
        sizes = [_to_kept(_copy(store, image.display_sha256).size, image) for image in (first, second)]
        matrix = sizes[0] @ found.matrix @ np.linalg.inv(sizes[1])
        found = Registration(found.accepted, found.quality, matrix, found.held_by)
    return Comparison(first, second, found)


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
