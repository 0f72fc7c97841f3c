"""Outlines: where a lesion ends in each of its images, how long a pixel is, and what changed from visit to visit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from core.errors import Conflict, Invalid, NotFound
from core.records import audit, clock
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.tables import Image, ImageScale, Lesion, StoredOutline
from core.records.terms import ScaleSource
from core.vision.change import Change, Measured, change, remeasure, remeasure_by_hand, scale_of
from core.vision.intake import decode
from core.vision.outline import SMALLEST, Outliner, Polygon, fill

MOST_POINTS = 1000
"""Of a polygon drawn by hand."""

MM_PER_PIXEL = (1e-4, 5.0)
"""A pixel shorter or longer than this is a slip of the hand, in a microscope's image as in one of a whole back."""


@dataclass(frozen=True)
class ImageMeasures:
    """One image as the change table shows it: what holds of its outline and its scale, None where there is none yet."""

    image: Image
    outline: StoredOutline | None
    mm_per_pixel: float | None

    @property
    def measured(self) -> Measured | None:
        """What was measured; None without an outline or without a lesion."""
        return measured_of(self.outline) if self.outline is not None and self.outline.polygon else None


@requires(Permission.READ_CHART)
def outline_of(
    database: Database, actor: Actor, *, store: ImageStore, outliner: Outliner, image_id: int
) -> StoredOutline:
    """The outline that holds for an image; where there is none yet, the network draws it and it is kept.

    Raises NotFound.
    """
    with database.reading() as session:
        image = _image(session, image_id)
        if current := _current(session, image_id):
            return current
    pixels = decode(store.get(image.sha256))
    outline = outliner.outline(pixels)
    row = StoredOutline(
        image_id=image_id,
        at=clock.now(),
        model_version=outline.model_version,
        polygon=[list(point) for point in outline.polygon],
        confidence=outline.confidence,
        remark=outline.remark,
        measures=_kept(remeasure(outliner, pixels, outline)) if outline.polygon else {},
    )
    with database.writing() as session:
        patient_id = _lock(session, image_id)
        if current := _current(session, image_id):
            # Somebody else asked at the same moment, or was quicker to draw it.
            return current
        return _added(session, actor, row, "outline.add", patient_id)


@requires(Permission.DIAGNOSE)
def correct_outline(
    database: Database,
    actor: Actor,
    *,
    store: ImageStore,
    image_id: int,
    polygon: Sequence[tuple[float, float]],
    seen: int | None,
) -> StoredOutline:
    """Keep an outline drawn by hand, [(x, y), ...] in pixels of the image, in place of the one with the id `seen`.

    Raises NotFound; Invalid for what outlines nothing; Conflict where another outline holds by now.
    """
    actor.account()
    with database.reading() as session:
        image = _image(session, image_id)
    drawn = _checked(polygon, width=image.width, height=image.height)
    pixels = decode(store.get(image.sha256))
    row = StoredOutline(
        image_id=image_id,
        at=clock.now(),
        user_id=actor.account(),
        polygon=[list(point) for point in drawn],
        measures=_kept(_measured_by_hand(pixels, drawn)),
        supersedes_id=seen,
    )
    with database.writing() as session:
        patient_id = _lock(session, image_id)
        current = _current(session, image_id)
        if (current.id if current else None) != seen:
            raise Conflict("Somebody else has outlined this image meanwhile. Look at theirs, then correct it.")
        return _added(session, actor, row, "outline.correct", patient_id)


@requires(Permission.WRITE_CHART)
def set_scale(
    database: Database,
    actor: Actor,
    *,
    image_id: int,
    mm_per_pixel: float,
    marks: Sequence[tuple[float, float]] | None = None,
) -> ImageScale:
    """Say how long a pixel of an image is, in mm; `marks` are the two points it was found by, if it was found that way.

    Raises NotFound, Invalid.
    """
    if not MM_PER_PIXEL[0] <= mm_per_pixel <= MM_PER_PIXEL[1]:
        raise Invalid("That cannot be the length of a pixel. Please check the marks and the length.")
    row = ImageScale(
        image_id=image_id,
        at=clock.now(),
        user_id=actor.account(),
        mm_per_pixel=mm_per_pixel,
        source=ScaleSource.DERMATOSCOPE if marks is None else ScaleSource.MARKED,
        marks=None if marks is None else [list(mark) for mark in marks],
    )
    with database.writing() as session:
        patient_id = _lock(session, image_id)
        session.add(row)
        audit.record(session, actor, "scale.set", subject_type="image", subject_id=image_id, patient_id=patient_id)
    return row


@requires(Permission.WRITE_CHART)
def set_scale_by_marks(
    database: Database, actor: Actor, *, image_id: int, marks: Sequence[tuple[float, float]], length_mm: float
) -> ImageScale:
    """Say how long a pixel is by two points (x, y) that lie `length_mm` apart. Raises NotFound, Invalid."""
    if len(marks) != 2:
        raise Invalid("A length is marked by two points.")
    distance = float(np.linalg.norm(np.subtract(marks[0], marks[1])))
    if distance < 10:
        raise Invalid("The two marks are too close together to measure by.")
    return set_scale(database, actor, image_id=image_id, mm_per_pixel=length_mm / distance, marks=marks)


@requires(Permission.READ_CHART)
def measures_of_lesion(database: Database, actor: Actor, *, lesion_id: int) -> list[ImageMeasures]:
    """A lesion's images in time order with outline and scale, in three queries. Nothing is computed."""
    images = select(Image).where(Image.lesion_id == lesion_id)
    with database.reading() as session:
        found = list(session.scalars(images.options(joinedload(Image.visit), joinedload(Image.lesion))))
        found.sort(key=lambda image: (image.visit.at, image.id))
        return measures_of(session, found, Image.lesion_id == lesion_id)


def measures_of(session: Session, found: Sequence[Image], owned: ColumnElement[bool]) -> list[ImageMeasures]:
    """The images with outline and scale, in the running transaction; `owned` tells them by their row or lesion."""
    outlines = select(StoredOutline).join(Image).join(Image.lesion).where(owned).order_by(StoredOutline.id)
    scales = select(ImageScale).join(Image).join(Image.lesion).where(owned).order_by(ImageScale.id)
    # The later of two overwrites the earlier.
    outline = {row.image_id: row for row in session.scalars(outlines.options(joinedload(StoredOutline.user)))}
    scale = {row.image_id: row.mm_per_pixel for row in session.scalars(scales)}
    return [ImageMeasures(image, outline.get(image.id), scale.get(image.id)) for image in found]


def changes_between(
    first: ImageMeasures, second: ImageMeasures, *, matrix: npt.NDArray[np.float64] | None = None
) -> list[Change]:
    """What changed from `first` to `second`; empty where either has no lesion outlined.

    Sizes compare by the scales of both images, which somebody has set; or else by `matrix`, 3x3, which takes pixels of
    the second image to those of the first (an accepted registration). With neither, they do not compare.
    """
    before, after = first.measured, second.measured
    if before is None or after is None or second.outline is None:
        return []
    scale = None
    if first.mm_per_pixel and second.mm_per_pixel:
        scale = second.mm_per_pixel / first.mm_per_pixel
    elif matrix is not None:
        x, y = np.mean(second.outline.polygon, axis=0)
        scale = scale_of(matrix, at=(float(x), float(y)))
    return change(before, after, scale=scale)


def measured_of(outline: StoredOutline) -> Measured:
    """What was measured by an outline that is not empty."""
    kept: Mapping[str, tuple[float, float | None]] = outline.measures
    return Measured(
        {name: value for name, (value, _) in kept.items()},
        {name: float("inf") if error is None else error for name, (_, error) in kept.items()},
    )


def _kept(measured: Measured) -> dict[str, list[float | None]]:
    # JSON has no infinity.
    return {
        name: [value, error if np.isfinite(error := measured.uncertainties[name]) else None]
        for name, value in measured.values.items()
    }


def _measured_by_hand(pixels: Picture.Image, polygon: Polygon) -> Measured:
    try:
        return remeasure_by_hand(pixels, polygon)
    except ValueError as error:
        raise Invalid("This outline encloses nothing that can be measured.") from error


def _checked(polygon: Sequence[tuple[float, float]], *, width: int, height: int) -> Polygon:
    points = np.asarray(polygon, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= MOST_POINTS or not np.isfinite(points).all():
        raise Invalid(f"An outline has between 3 and {MOST_POINTS} points.")
    points = points.clip(0, (width, height))
    drawn = tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)
    if fill(drawn, size=(width, height)).mean() < SMALLEST:
        raise Invalid("This outline encloses next to nothing.")
    return drawn


def _image(session: Session, image_id: int) -> Image:
    image = session.get(Image, image_id)
    if image is None:
        raise NotFound("There is no such image.")
    return image


def _lock(session: Session, image_id: int) -> int:
    """Keep others from outlining the lesion's images until the transaction ends; the patient's id. Raises NotFound."""
    lesion = session.scalar(select(Lesion).join(Image).where(Image.id == image_id).with_for_update(of=Lesion))
    if lesion is None:
        raise NotFound("There is no such image.")
    return lesion.patient_id


def _current(session: Session, image_id: int) -> StoredOutline | None:
    newest = select(func.max(StoredOutline.id)).where(StoredOutline.image_id == image_id).scalar_subquery()
    return session.scalar(
        select(StoredOutline).where(StoredOutline.id == newest).options(joinedload(StoredOutline.user))
    )


def _added(session: Session, actor: Actor, row: StoredOutline, action: str, patient_id: int) -> StoredOutline:
    session.add(row)
    session.flush()
    audit.record(session, actor, action, subject_type="outline", subject_id=row.id, patient_id=patient_id)
    return session.scalars(
        select(StoredOutline).where(StoredOutline.id == row.id).options(joinedload(StoredOutline.user))
    ).one()
