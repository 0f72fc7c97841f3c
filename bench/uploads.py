"""Sixteen uploads at once, against the bare passes of the network that they hold: python -m bench.uploads.

In a process of its own, whose memory is then that of the server's share of the work.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from itertools import count
from pathlib import Path
from secrets import token_urlsafe

from bench.bare import bare_pass
from bench.pictures import SIZES, lesion_jpeg
from bench.server import resident
from bench.timing import Figure, at_most, by_turns
from core.records import clock, images, lesions, patients, users, visits
from core.records.actor import OPERATOR, Actor
from core.records.patients import PatientDetails
from core.records.terms import BodySite, ImageType, Role, Sex
from core.settings import Settings
from core.vision.intake import take_in
from core.vision.model_file import SHIPPED
from core.workspace import Workspace

AT_ONCE = 16
OVER_BARE_PASSES = 1.2
ROUNDS = 5


def measure() -> Iterator[Figure]:
    """The figures, from a process that has imported nothing else."""
    ran = subprocess.run([sys.executable, "-m", "bench.uploads"], capture_output=True, text=True, check=True)
    for figure in json.loads(ran.stdout):
        yield Figure(**figure)


class Clinic:
    """A clinic in a folder of its own, with one lesion that all images are of."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'dermtrail.db'}"
        self.workspace = Workspace(Settings(_env_file=None, home=folder, database_url=url, model=SHIPPED))
        self.workspace.prepare()
        database = self.workspace.database
        password = token_urlsafe()
        user = users.add_user(
            database, OPERATOR, name="bench", full_name="Bench", role=Role.CLINICIAN, password=password
        )
        self.actor = Actor(user_id=user.id, name=user.name, role=user.role, address="127.0.0.1")
        details = PatientDetails(record_number="1", name="Nobody", birth_date=date(1970, 1, 1), sex=Sex.FEMALE)
        patient = patients.register_patient(database, self.actor, details=details)
        visit = visits.log_visit(database, self.actor, patient_id=patient.id, at=clock.now(), reason="Bench")
        self.visit_id = visit.id
        self.lesion_id = lesions.add_lesion(database, self.actor, patient_id=patient.id, body_site=BodySite.TRUNK).id

    def upload(self, data: bytes) -> None:
        """What the page of a visit calls for each file."""
        images.add_image(
            self.workspace.database,
            self.actor,
            intake=self.workspace.intake,
            visit_id=self.visit_id,
            lesion_id=self.lesion_id,
            data=data,
            image_type=ImageType.DERMOSCOPIC,
        )


def main() -> Iterator[Figure]:
    """Uploads at once, uploads one by one and bare passes by turns, each upload of an image never seen before."""
    bare = bare_pass()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        clinic = Clinic(Path(folder))
        before = resident("self")
        for words, size in SIZES.items():
            if size != SIZES["4000 x 3000"]:
                yield from _compare(clinic, bare, pool, words, size)
        yield Figure("memory of a process that has taken in and read images: at first", before, "MB")
        yield Figure(f"the same after {2 * 2 * AT_ONCE * (ROUNDS + 1)} of them", resident("self"), "MB")


def _compare(
    clinic: Clinic, bare: Callable[[], object], pool: ThreadPoolExecutor, words: str, size: tuple[int, int]
) -> Iterator[Figure]:
    seeds = count()
    files = [lesion_jpeg(size, seed=next(seeds)) for _ in range(2 * AT_ONCE * (ROUNDS + 1))]
    turn = iter(range(0, len(files), AT_ONCE))

    def some() -> list[bytes]:
        start = next(turn)
        return files[start : start + AT_ONCE]

    reader, limits = clinic.workspace.reader, clinic.workspace.limits
    seconds = by_turns(
        {
            "read at once": lambda: list(
                pool.map(lambda data: reader.read(take_in(data, limits=limits).pixels), files[:AT_ONCE])
            ),
            "at once": lambda: list(pool.map(clinic.upload, some())),
            "one by one": lambda: [clinic.upload(data) for data in some()],
            "bare": lambda: [bare() for _ in range(AT_ONCE)],
        },
        rounds=ROUNDS,
    )
    ratio = seconds["read at once"] / seconds["bare"]
    name = f"{AT_ONCE} images at once, bytes to reading, over their bare passes, {words}"
    yield at_most(name, ratio, "x", OVER_BARE_PASSES)
    name = f"{AT_ONCE} uploads at once, kept on the disk and in the records, over"
    yield Figure(f"{name} their bare passes, {words}", seconds["at once"] / seconds["bare"], "x")
    yield Figure(f"{name} the same one by one, {words}", seconds["at once"] / seconds["one by one"], "x")
    yield Figure(f"an upload alone, {words}", seconds["one by one"] / AT_ONCE * 1000, "ms")


if __name__ == "__main__":
    print(json.dumps([asdict(figure) for figure in main()]))
