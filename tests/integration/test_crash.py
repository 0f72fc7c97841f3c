"""Killed at any moment, DermTrail keeps what it acknowledged, and no row is without its file."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from core.records import images
from core.records.actor import OPERATOR
from core.records.database import Database
from core.workspace import Workspace
from tests.charts import Charts
from tests.everything import all_rows

ROOT = Path(__file__).parents[2]
UPLOADS = 50
KILLS = 5

# It loads the model once and then forks. Each child uploads, saying of each image that it is kept, until it is killed.
# The model has one thread, since a fork takes along none but the one that asks for it.
UPLOAD_AND_DIE = """
import io, os, random, signal, sys, time
import numpy as np
from PIL import Image
from core.records import images
from core.records.actor import OPERATOR
from core.records.terms import ImageType
from core.settings import Settings
from core.workspace import Workspace

visit_id, lesion_id, uploads, kills = map(int, sys.argv[1:])
moments = random.Random(17)
workspace = Workspace(Settings(reading_threads=1))
workspace.reader, workspace.database

def picture(number):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()

def upload_on(number):
    signal.alarm(60)  # should nobody be left to kill it
    while True:
        number += 1
        image = images.add_image(
            workspace.database, OPERATOR, intake=workspace.intake, visit_id=visit_id, lesion_id=lesion_id,
            data=picture(number), image_type=ImageType.DERMOSCOPIC,
        )
        os.write(told, f"{image.id} {image.sha256}\\n".encode())

turn = acknowledged = 0
while acknowledged < uploads or turn < kills:
    turn += 1
    hears, told = os.pipe()
    child = os.fork()
    if child == 0:
        upload_on(turn * 1_000_000)
    os.close(told)
    time.sleep(moments.uniform(0.02, 0.5))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(hears) as said:
        for line in said:
            acknowledged += 1
            print(line, end="")
"""


def test_killed_at_any_moment_of_fifty_uploads(
    database: Database, charts: Charts, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERMTRAIL_DATABASE_URL", database.url)
    patient = charts.patient()
    places = [str(charts.visit(patient).id), str(charts.lesion(patient).id)]
    done = subprocess.run(
        [sys.executable, "-c", UPLOAD_AND_DIE, *places, str(UPLOADS), str(KILLS)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=180, check=True,
    )  # fmt: skip
    acknowledged = {tuple(line.split()) for line in done.stdout.splitlines()}
    assert len(acknowledged) >= UPLOADS

    fresh = Database(database.url)
    assert fresh.is_current()
    if fresh.is_sqlite:
        with fresh.reading() as session:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
    rows = all_rows(fresh)
    assert acknowledged <= {(str(row["id"]), row["sha256"]) for row in rows["image"]}
    assert sorted(row["image_id"] for row in rows["reading"]) == [row["id"] for row in rows["image"]]
    added = [row for row in rows["audit_entry"] if row["action"] == "image.add"]
    assert sorted(row["subject_id"] for row in added) == [row["id"] for row in rows["image"]]
    with fresh.reading() as session:
        named = images.named_files(session)
    for sha256 in named:
        workspace.images.get(sha256)

    strays = set(workspace.images.all()) - named
    assert images.tidy(fresh, OPERATOR, store=workspace.images) == []
    monkeypatch.setattr(images, "UPLOAD_TIME", images.UPLOAD_TIME * 0)
    assert strays <= set(images.tidy(fresh, OPERATOR, store=workspace.images))
    assert set(workspace.images.all()) == named
    assert list((workspace.images.root / "incoming").iterdir()) == []
    fresh.dispose()
