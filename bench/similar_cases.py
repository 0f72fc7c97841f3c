"""How long similar cases take to find among many images: python -m bench.similar_cases [--images N] [--json FILE].

Works on a clinic of made-up rows in a temporary folder, with features drawn around cluster centres, as the 1,280 of a
network lie. Times the whole verb: index, queries, audit entry. Recall is against the exact order of all features.
"""

import argparse
import json
import secrets
import statistics
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from sqlalchemy import insert

from core.records import clock, similar, users
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.tables import Image, Lesion, Patient, StoredReading, Visit
from core.records.terms import BodySite, ImageType, Role, Sex
from core.vision.similar import Features, SimilarIndex, normalised, packed

VERSION = "bench"
SIDE = 1280
IMAGES_A_LESION = 4
LESIONS_A_PATIENT = 5


def features_of(count: int) -> Features:
    """Non-negative, as pooled activations are, around one centre for every hundred images."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(max(1, count // 100), SIDE)).astype(np.float32)
    rows = np.empty((count, SIDE), dtype=np.float32)
    for start in range(0, count, 5000):
        part = rows[start : start + 5000]
        noise = rng.normal(size=part.shape).astype(np.float32) * 0.7
        part[:] = np.maximum(centres[rng.integers(0, len(centres), len(part))] + noise, 0)
    return normalised(rows)


def fill(database: Database, features: Features) -> None:
    """As many images with a reading each as there are features."""
    now, count = clock.now(), len(features)
    lesions = -(-count // IMAGES_A_LESION)
    patients = -(-lesions // LESIONS_A_PATIENT)
    tables: dict[type, Iterator[dict[str, object]]] = {
        Patient: (
            {"id": i, "record_number": str(i), "name": f"P {i}", "sort_name": f"p {i}", "birth_date": date(1970, 1, 1),
             "sex": Sex.UNKNOWN, "created_at": now, "version": 1}
            for i in range(1, patients + 1)
        ),
        Visit: ({"id": i, "patient_id": i, "at": now, "reason": "bench"} for i in range(1, patients + 1)),
        Lesion: (
            {"id": i + 1, "patient_id": i // LESIONS_A_PATIENT + 1, "number": i % LESIONS_A_PATIENT + 1,
             "body_site": BodySite.TRUNK, "created_at": now}
            for i in range(lesions)
        ),
        Image: (
            {"id": i + 1, "lesion_id": i // IMAGES_A_LESION + 1, "sha256": f"{i:064d}", "display_sha256": f"{i:064d}",
             "visit_id": i // IMAGES_A_LESION // LESIONS_A_PATIENT + 1, "width": 1, "height": 1,
             "image_type": ImageType.DERMOSCOPIC, "created_at": now}
            for i in range(count)
        ),
        StoredReading: (
            {"id": i + 1, "image_id": i + 1, "at": now, "model_version": VERSION, "prediction": "nevus",
             "probabilities": {"nevus": 1.0}, "malignant_probability": 0.0, "flagged": False, "maps": bytes(3600),
             "overlay_sha256": f"{i:064d}", "features": packed(features[i])}
            for i in range(count)
        ),
    }  # fmt: skip
    with database.writing() as session:
        for table, rows in tables.items():
            batch = []
            for row in rows:
                batch.append(row)
                if len(batch) == 2000:
                    session.execute(insert(table), batch)
                    batch = []
            if batch:
                session.execute(insert(table), batch)


def main() -> None:
    """Build, search, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=50)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.db")
        database.migrate()
        user = users.add_user(database, OPERATOR, name="bench", role=Role.CLINICIAN, password=secrets.token_urlsafe())
        actor = Actor(user_id=user.id, name=user.name, role=user.role, address="bench")
        features = features_of(options.images)
        fill(database, features)
        index = SimilarIndex(Path(folder) / "similar")
        start = perf_counter()
        similar.catch_up_in_background(database, index, model_version=VERSION).join()
        building = perf_counter() - start
        times, busy, recalls = [], [], []
        for image in np.random.default_rng(1).integers(0, options.images, options.searches).tolist():
            start, work = perf_counter(), process_time()
            found = similar.similar_cases(database, actor, index=index, model_version=VERSION, image_id=image + 1)
            times.append(1000 * (perf_counter() - start))
            busy.append(1000 * (process_time() - work))
            best: dict[int, None] = {}
            for other in np.argsort(-(features @ features[image]), kind="stable")[:200].tolist():
                if other // IMAGES_A_LESION != image // IMAGES_A_LESION:
                    best.setdefault(other // IMAGES_A_LESION + 1)
            exact = set(list(best)[: len(found.cases)])
            recalls.append(len(exact & {case.image.lesion_id for case in found.cases}) / max(1, len(exact)))
        database.dispose()
    result = {
        "images": options.images,
        "build_seconds": round(building, 1),
        "median_ms": round(statistics.median(times), 1),
        # What the search itself takes of a processor, whatever else the machine does.
        "median_cpu_ms": round(statistics.median(busy), 1),
        "p95_ms": round(sorted(times)[int(0.95 * len(times))], 1),
        "recall": round(statistics.mean(recalls), 3),
    }
    for name, value in result.items():
        print(f"{name:>14}  {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
