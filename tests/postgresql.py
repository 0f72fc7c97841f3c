"""A PostgreSQL server for one run of the tests: nobody else reaches it, and nothing of it stays."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

# Nothing in it outlives the run, so it need not wait for the disk.
OPTIONS = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


@dataclass(frozen=True)
class Cluster:
    """A running server that listens on a socket in `folder` only."""

    folder: Path

    def url(self, name: str, *, user: str = "postgres") -> str:
        """SQLAlchemy's URL of the database `name`, for a role that the server knows; it asks nobody for a password."""
        return f"postgresql+psycopg://{user}@/{name}?host={self.folder}"

    def create(self, name: str, *, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another that nobody is connected to, and return its URL."""
        statement: sql.Composed = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._run(statement)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running(programs: Path) -> Iterator[Cluster]:
    """Start a server with the programs in `programs`, and stop it at the end of the block."""
    # A socket's path may have about 100 characters, which a folder of pytest's easily exceeds.
    folder = Path(tempfile.mkdtemp(prefix="dermtrail-pg-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    # The socket is reached by whoever runs the tests, who is another than the server's owner where that is root.
    folder.chmod(0o711)
    data = folder / "data"
    try:
        _as_postgres(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")
        _as_postgres(
            programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-k {folder} {OPTIONS}", "start"
        )
        try:
            yield Cluster(folder)
        finally:
            _as_postgres(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _as_postgres(program: Path, *arguments: object) -> None:
    """PostgreSQL refuses to run as root; anybody else runs it as themselves."""
    other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*other, str(program), *(str(argument) for argument in arguments)]
    done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program.name} failed: {done.stdout}")
