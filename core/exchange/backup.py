"""Backup and restore of everything: one zip file with the records as an SQLite database, and every image.

The form is the same whatever the clinic's database is, so a backup made on SQLite restores into PostgreSQL and back.
"""

import errno
import hashlib
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from core.errors import Conflict, Invalid
from core.records import audit, images
from core.records.actor import OPERATOR
from core.records.database import Database, known_revisions, migrate_on
from core.records.image_store import ImageStore
from core.records.tables import AuditEntry, Base, Image, Patient, SignInTries, User, UserSession

RECORDS = "records.db"
IMAGES = "images/"
ROWS_AT_A_TIME = 500

_NOT_WHOLE = "This is not a whole backup of DermTrail."


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
    with database.writing() as session:
        audit.record(session, OPERATOR, "records.backup")
    return content


def restore(database: Database, store: ImageStore, path: Path, *, force: bool = False) -> BackupContent:
    """Put a backup in the place of all records.

    The backup is looked through first, and then takes the records' place in one transaction: whoever looks meanwhile
    sees the old ones, and whatever stops it leaves them.

    Raises Conflict where there are records already and `force` is not given, and Invalid, with nothing changed, where
    the file is not a whole backup. Files that the records no longer name are left for `tidy`. Nobody is signed in by a
    backup who was when it was made.
    """
    if not force and _has_records(database):
        raise Conflict("There are records here already. --force puts the backup in their place.")
    with tempfile.TemporaryDirectory(dir=store.incoming, prefix="restore-") as folder, _archive(path) as archive:
        hashes = _whole_files(archive)
        with _records(archive, Path(folder)) as restored:
            if missing := set(_named_files(restored)) - hashes:
                raise Invalid(f"The backup lacks {len(missing)} of its files.")
            with restored.writing() as session:
                session.execute(delete(UserSession))
                session.execute(delete(SignInTries))
                audit.record(session, OPERATOR, "records.restore")
            for sha256 in sorted(hashes):
                store.put(archive.read(IMAGES + sha256))
            with database.changing_tables() as connection:
                migrate_on(connection, "base")
                migrate_on(connection)
                _copy(restored, connection)
            return _content(restored, files=len(hashes))


@contextmanager
def _snapshot(database: Database, path: Path) -> Iterator[Database]:
    copy = Database(f"sqlite:///{path}")
    try:
        if database.is_sqlite:
            with closing(database.engine.raw_connection()) as connection:
                connection.cursor().execute("VACUUM INTO ?", (str(path),))
        else:
            with copy.changing_tables() as connection:
                migrate_on(connection)
                _copy(database, connection)
        yield copy
    finally:
        copy.dispose()


def _copy(source: Database, target: Connection) -> None:
    """Copy every row of one moment into `target`, which has the tables, empty."""
    with source.reading() as reading:
        for table in Base.metadata.sorted_tables:
            rows = reading.execute(select(table).order_by(table.c.id)).mappings()
            for part in rows.partitions(ROWS_AT_A_TIME):
                target.execute(insert(table), [dict(row) for row in part])
            if target.dialect.name == "postgresql":
                # Rows that bring their own ids do not move the counter that gives out the next one.
                last = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"  # noqa: S608 - our own table's name
                target.execute(text(last))
    _skip_erased_ids(target)


def _skip_erased_ids(target: Connection) -> None:
    """Let the next patient have an id that no audit entry names: whoever had it was erased, and is somebody else."""
    highest = target.scalar(select(func.max(AuditEntry.patient_id)))
    if highest is None or highest <= (target.scalar(select(func.max(Patient.id))) or 0):
        return
    if target.dialect.name == "postgresql":
        target.execute(text("SELECT setval(pg_get_serial_sequence('patient', 'id'), :highest)"), {"highest": highest})
    else:
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = 'patient'"))
        target.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES ('patient', :highest)"), {"highest": highest}
        )


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip file at `path`, whose damage leaves as Invalid wherever in the block it is met."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    # What Python's reader raises for what is no zip file, or a damaged, encrypted or truncated one.
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, LookupError, RuntimeError, ValueError) as error:
        raise Invalid(_NOT_WHOLE) from error
    except OSError as error:
        # A damaged offset lies before the beginning of the file.
        if error.errno != errno.EINVAL:
            raise
        raise Invalid(_NOT_WHOLE) from error


def _whole_files(archive: zipfile.ZipFile) -> set[str]:
    """The hashes of the images in a backup, each of which was read and is what its name says."""
    hashes = set()
    for entry in archive.infolist():
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Invalid(_NOT_WHOLE)
        if entry.filename.startswith(IMAGES):
            sha256 = hashlib.sha256(archive.read(entry)).hexdigest()
            if entry.filename != IMAGES + sha256:
                raise Invalid("A file in the backup is damaged.")
            hashes.add(sha256)
    return hashes


@contextmanager
def _records(archive: zipfile.ZipFile, folder: Path) -> Iterator[Database]:
    """The records of a backup, unpacked into `folder`, at the newest revision, with every row checked by our rules."""
    unpacked, checked = (Database(f"sqlite:///{folder / name}") for name in ("unpacked.db", "checked.db"))
    try:
        with archive.open(RECORDS) as packed, (folder / "unpacked.db").open("wb") as file:
            shutil.copyfileobj(packed, file)
        try:
            _check(unpacked)
            with checked.changing_tables() as connection:
                migrate_on(connection)
                _copy(unpacked, connection)
        # It is no database, or rows break the rules of the tables, or hold a date or a choice that is none.
        except (DBAPIError, ValueError, LookupError, RuntimeError) as error:
            raise Invalid(_NOT_WHOLE) from error
        yield checked
    finally:
        unpacked.dispose()
        checked.dispose()


def _check(records: Database) -> None:
    if records.revision() not in known_revisions():
        raise Invalid("The backup is not of this version of DermTrail, nor of an earlier one.")
    with records.reading() as session:
        if session.scalar(text("PRAGMA integrity_check")) != "ok":
            raise Invalid(_NOT_WHOLE)
    records.migrate()
    with records.engine.connect() as connection:
        if compare_metadata(MigrationContext.configure(connection), Base.metadata):
            raise Invalid(_NOT_WHOLE)


def _named_files(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(images.named_files(session))


def _has_records(database: Database) -> bool:
    if database.revision() is None:
        return False
    with database.reading() as session:
        return any(session.scalar(select(table.id).limit(1)) is not None for table in (User, Patient))


def _content(database: Database, *, files: int) -> BackupContent:
    with database.reading() as session:
        patients, images = (session.scalar(select(func.count(table.id))) or 0 for table in (Patient, Image))
    return BackupContent(patients=patients, images=images, files=files)
