"""Explanations of a reading beyond the heat maps that it keeps: computed when they are asked for, and not recorded."""

from collections.abc import Callable

from PIL import Image as Picture
from sqlalchemy.orm import joinedload

from core.errors import NotFound, Unavailable
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.tables import StoredReading
from core.vision.explain import Method
from core.vision.explainer import Explainer, Explanation, Step
from core.vision.intake import decode
from core.vision.preprocess import to_square
from core.vision.reader import Reader

OTHER_MODEL = (
    "Another model made this reading. Only the model that made a reading can explain it; of this one there is the "
    "heat map that was kept."
)


def can_explain(reading: StoredReading, reader: Reader) -> bool:
    """Whether the model at hand is the one that made the reading."""
    return reading.model_version == reader.model_version


@requires(Permission.READ_CHART)
def explain_reading(
    database: Database,
    actor: Actor,
    *,
    store: ImageStore,
    reader: Reader,
    explainer: Explainer,
    reading_id: int,
    method: Method,
    class_name: str,
    progress: Callable[[Step, float], None] = lambda _step, _share: None,
) -> Explanation:
    """What spoke for a class in the image of a reading, as the model that made the reading sees it.

    Blocks until it is there; `progress` is that of `Explainer.explain`. Raises NotFound, ValueError for a class that
    the reading does not have, and Unavailable, also where another model made the reading.
    """
    with database.reading() as session:
        reading = session.get(StoredReading, reading_id, options=[joinedload(StoredReading.image)])
    if reading is None:
        raise NotFound("There is no such reading.")
    if class_name not in reading.probabilities:
        raise ValueError(f"{class_name} is no class of this reading")
    if not can_explain(reading, reader):
        raise Unavailable(OTHER_MODEL)
    # What the network sees of the image, and no more, goes to the other process.
    pixels = to_square(decode(store.get(reading.image.sha256)), size=reader.model_file.input_size)
    return explainer.explain(
        Picture.fromarray(pixels),
        model_version=reading.model_version,
        method=method,
        class_name=class_name,
        progress=progress,
    )
