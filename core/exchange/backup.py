"""Backup and restore of everything: one zip file with the records as an SQLite database, and every image.

The form is the same whatever the clinic's database is, so a backup made on SQLite restores into PostgreSQL and back.
"""

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, insert, select, text

from core.errors import Conflict, Invalid
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.tables import Base, Image, Patient, StoredReading, User

RECORDS = "records.db"
IMAGES = "images/"
ROWS_AT_A_TIME = 500


@dataclass(frozen=True)
class BackupContent:
    """How much a backup holds."""

    patients: int
    images: int
    files: int


def back_up(database: Database, store: ImageStore, path: Path) -> BackupContent:
    """Write a backup to `path`, which appears there only when it is whole.

    It is consistent while the server runs: the records are one snapshot, and the files that they name never change.
    Raises OSError, and the image store's error for a file that is missing or damaged.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
        records, archive = Path(folder) / RECORDS, Path(folder) / "backup.zip"
        with _snapshot(database, records) as snapshot:
            hashes = _named_files(snapshot)
            content = _content(snapshot, files=len(hashes))
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
            file.write(records, RECORDS, compress_type=zipfile.ZIP_DEFLATED)
            for sha256 in hashes:
                file.writestr(IMAGES + sha256, store.get(sha256))
        archive.chmod(0o600)
        with archive.open("rb") as written:
            os.fsync(written.fileno())
        archive.replace(path)
    return content


def restore(database: Database, store: ImageStore, path: Path, *, force: bool = False) -> BackupContent:
    """Put a backup in the place of all records.

    Raises Conflict where there are records already and `force` is not given, and Invalid, with nothing changed, where
    the file is not a whole backup. Files that the records no longer name are left for `tidy`.
    """
    if not force and _has_records(database):
        raise Conflict("There are records here already. --force puts the backup in their place.")
    with tempfile.TemporaryDirectory(prefix="dermtrail-restore-") as folder:
        records = Path(folder) / RECORDS
        hashes = _unpack(path, records, store)
        restored = Database(f"sqlite:///{records}")
        try:
            restored.migrate()
            if missing := set(_named_files(restored)) - hashes:
                raise Invalid(f"The backup lacks {len(missing)} of its files.")
            database.migrate("base")
            database.migrate()
            _copy(restored, database)
            return _content(restored, files=len(hashes))
        finally:
            restored.dispose()


@contextmanager
def _snapshot(database: Database, path: Path) -> Iterator[Database]:
    copy = Database(f"sqlite:///{path}")
    try:
        if database.is_sqlite:
            with closing(database.engine.raw_connection()) as connection:
                connection.cursor().execute("VACUUM INTO ?", (str(path),))
        else:
            copy.migrate(database.revision() or "head")
            _copy(database, copy)
        yield copy
    finally:
        copy.dispose()


def _copy(source: Database, target: Database) -> None:
    """Copy every row in one snapshot and one transaction; `target` has the tables, empty."""
    with source.reading() as reading, target.writing() as writing:
        for table in Base.metadata.sorted_tables:
            rows = reading.execute(select(table).order_by(table.c.id)).mappings()
            for part in rows.partitions(ROWS_AT_A_TIME):
                writing.execute(insert(table), [dict(row) for row in part])
            if not target.is_sqlite:
                # Rows that bring their own ids do not move the counter that gives out the next one.
                last = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"  # noqa: S608 - our own table's name
                writing.execute(text(last))


def _unpack(path: Path, records: Path, store: ImageStore) -> set[str]:
    """Take the backup apart, checking each image against its name. Returns their hashes."""
    hashes = set()
    try:
        with zipfile.ZipFile(path) as file:
            records.write_bytes(file.read(RECORDS))
            for name in file.namelist():
                if name.startswith(IMAGES):
                    sha256 = store.put(file.read(name))
                    if name != IMAGES + sha256:
                        raise Invalid("A file in the backup is damaged.")
                    hashes.add(sha256)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise Invalid("This is not a whole backup of DermTrail.") from error
    return hashes


def _named_files(database: Database) -> list[str]:
    with database.reading() as session:
        images = set(session.scalars(select(Image.sha256)))
        return sorted(images | set(session.scalars(select(StoredReading.overlay_sha256))))


def _has_records(database: Database) -> bool:
    if database.revision() is None:
        return False
    with database.reading() as session:
        return any(session.scalar(select(table.id).limit(1)) is not None for table in (User, Patient))


def _content(database: Database, *, files: int) -> BackupContent:
    with database.reading() as session:
        patients, images = (session.scalar(select(func.count(table.id))) or 0 for table in (Patient, Image))
    return BackupContent(patients=patients, images=images, files=files)
