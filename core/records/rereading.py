"""Reading images again when the model has changed: the history of a lesion, or of the whole clinic."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import func, select

from core.errors import DermTrailError
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.readings import read_again
from core.records.tables import Image, StoredReading
from core.vision.reader import Reader


@dataclass(frozen=True)
class Reread:
    """What became of one image; `error` says why it has no new reading, and is None where it has one."""

    image_id: int
    error: str | None = None


@requires(Permission.READ_CHART)
def outdated_images(
    database: Database, actor: Actor, *, model_version: str, lesion_id: int | None = None, unread_too: bool = False
) -> list[int]:
    """The images whose newest reading is of another version than `model_version`, by id.

    With `unread_too`, those without any reading as well. With `lesion_id`, only that lesion's.
    """
    newest = select(StoredReading.image_id, func.max(StoredReading.id).label("id"))
    last = newest.group_by(StoredReading.image_id).subquery()
    query = select(Image.id).outerjoin(last, last.c.image_id == Image.id)
    query = query.outerjoin(StoredReading, StoredReading.id == last.c.id).order_by(Image.id)
    outdated = StoredReading.model_version != model_version
    query = query.where(outdated | StoredReading.id.is_(None) if unread_too else outdated)
    if lesion_id is not None:
        query = query.where(Image.lesion_id == lesion_id)
    with database.reading() as session:
        return list(session.scalars(query))


@requires(Permission.WRITE_CHART)
def read_all_again(
    database: Database, actor: Actor, *, store: ImageStore, reader: Reader, image_ids: Sequence[int], workers: int = 1
) -> Iterator[Reread]:
    """Add a reading by the current model to each of the images, `workers` of them at a time, and tell of each.

    Every reading is kept on its own, so whatever stops this loses only what was under way: `outdated_images` then gives
    the rest. An image that cannot be read is told, with the reason, and the others go on.
    """

    def read(image_id: int) -> Reread:
        try:
            read_again(database, actor, store=store, reader=reader, image_id=image_id)
        except DermTrailError as error:
            return Reread(image_id, str(error))
        return Reread(image_id)

    def read_each() -> Iterator[Reread]:
        remaining = iter(image_ids)
        with ThreadPoolExecutor(workers) as pool:
            # No more are begun than can be worked on: who stops here waits for those alone.
            begun = {pool.submit(read, image_id) for image_id in islice(remaining, workers)}
            while begun:
                done, begun = wait(begun, return_when=FIRST_COMPLETED)
                begun |= {pool.submit(read, image_id) for image_id in islice(remaining, len(done))}
                for future in done:
                    yield future.result()

    return read_each()
