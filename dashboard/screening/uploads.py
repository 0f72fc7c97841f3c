"""How an uploaded photo passes through: into a private folder, read once, gone.

That folder belongs to this server alone, and each photo lies in one of its own there, whose name nobody can guess. A
photo is removed the moment it has been read into memory, what was refused or broken off at once, and what nobody asks
to be read within minutes.
"""

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import gradio as gr
from gradio.route_utils import GradioMultiPartParser, GradioUploadFile, MultiPartException
from gradio.routes import file_upload_statuses
from gradio.utils import get_upload_folder
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from core.guidance import words

KEPT_AT_MOST = 300.0
"""Seconds after which a photo is removed that nobody asked to be read."""

SWEPT_EVERY = 60.0
"""Seconds."""


C = TypeVar("C", bound=gr.components.Component)


def private_folder(path: Path) -> Path:
    """Make `path` an empty folder that only this account can open, and have Gradio put uploads there.

    Gradio asks for the folder (GRADIO_TEMP_DIR) when a component is made, so this comes before `build_screening`.
    """
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)
    os.environ["GRADIO_TEMP_DIR"] = str(path.resolve())
    return path


def receiving(folder: Path, page: gr.Blocks, *, max_bytes: int) -> Callable[[Request], Awaitable[Response]]:
    """What answers to an upload: as Gradio does, with the path of the file, but of one file and without its name.

    Gradio's own keeps the name that a person's file had, and leaves on the disk what it refuses or what breaks off. The
    answer is 413 to more than `max_bytes`, and 400 to whatever is not exactly one file in the field "files".
    """

    async def receive(request: Request) -> Response:
        own = Path(mkdtemp(dir=folder))
        path: str | None = None
        upload_id = upload_id_of(request.query_params.get("upload_id", ""))
        try:
            parser = GradioMultiPartParser(
                request.headers,
                request.stream(),
                max_files=1,
                max_fields=0,
                upload_dir=own,
                upload_id=upload_id,
                upload_progress=file_upload_statuses if upload_id else None,
                max_file_size=max_bytes,
            )
            path = _only_file((await parser.parse()).getlist("files"))
        except MultiPartException as error:
            if "maximum allowed size" in error.message:
                return too_large(max_bytes)
        except KeyError:  # without a content type
            pass
        finally:
            if upload_id:
                file_upload_statuses.set_done(upload_id)
            if path is None:
                # The sweep may have found it empty and removed it, where nothing came for minutes.
                shutil.rmtree(own, ignore_errors=True)
        if path is None:
            return PlainTextResponse(words.NO_FILE, status_code=400)
        page.upload_file_set.add(path)
        return JSONResponse([path])

    return receive


def upload_id_of(text: str) -> str | None:
    """By what a browser asks how far its upload is; None for what no browser of ours would send."""
    return text if re.fullmatch(r"[\w-]{1,40}", text, re.ASCII) else None


def _only_file(files: list[Any]) -> str | None:
    if len(files) != 1 or not isinstance(files[0], GradioUploadFile):
        return None
    files[0].file.close()
    return str(files[0].file.name)


def too_large(max_bytes: int) -> Response:
    """The answer to a file of more than `max_bytes`."""
    return PlainTextResponse(words.TOO_LARGE.format(limit=f"{max_bytes / 2**20:g}"), status_code=413)


def only_uploads(component: C) -> C:
    """Make a Gradio component take no file but an upload, and return it.

    Left alone it would also fetch any address, or copy another file of this machine, that a caller names in the place
    of an upload, and a text field does so as readily as a file field.
    """

    async def uploaded_path(path: str | Path | None) -> str | None:
        return None if path is None else str(_upload(path))

    # On the one object, since Gradio writes a stub file beside the source of every class derived from a component.
    component.async_move_resource_to_block_cache = uploaded_path
    return component


def take(payload: Any) -> bytes:
    """The bytes of the upload that a file component's raw value names, which is removed.

    Raises gr.Error where nothing was uploaded, or it is no longer there.
    """
    first = payload[0] if isinstance(payload, list) and payload else payload
    if not isinstance(first, dict) or not first.get("path"):
        raise gr.Error(words.NO_FILE, print_exception=False)
    path = _upload(first["path"])
    try:
        return path.read_bytes()
    except OSError as error:
        raise gr.Error(words.NO_FILE, print_exception=False) from error
    finally:
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()


def _upload(path: str | Path) -> Path:
    resolved = Path(path).resolve()
    if Path(get_upload_folder()).resolve() not in resolved.parents:
        raise gr.Error(words.NO_FILE, print_exception=False)
    return resolved


@asynccontextmanager
async def swept(folder: Path, page: gr.Blocks) -> AsyncIterator[None]:
    """Keep sweeping `folder` while the context lasts, and empty it at the end."""
    sweeping = asyncio.create_task(_sweep_forever(folder, page))
    try:
        yield
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        sweep(folder, older_than=0)


def sweep(folder: Path, *, older_than: float) -> None:
    """Remove files and empty folders below `folder` that were last changed `older_than` seconds ago or earlier."""
    limit = time.time() - older_than
    for above, folders, files in os.walk(folder, topdown=False):
        for name in [*files, *folders]:
            path = Path(above, name)
            # A photo may be read, and so removed, at the same time.
            with suppress(OSError):
                if path.lstat().st_mtime > limit:
                    continue
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()


async def _sweep_forever(folder: Path, page: gr.Blocks) -> None:
    known: set[str] = set()
    while True:
        await asyncio.sleep(SWEPT_EVERY)
        await asyncio.to_thread(sweep, folder, older_than=KEPT_AT_MOST)
        _forget_removed(page)
        known = forget_progress(known)


def forget_progress(known: set[str]) -> set[str]:
    """Gradio remembers how far every upload was, and the name of its file, for as long as it runs.

    Drop the uploads that were there at the last sweep already, `known`; those that are there now. One that goes on for
    longer is begun anew in its progress, which does no harm.
    """
    kept = (file_upload_statuses._statuses, file_upload_statuses._signals)
    for one in kept:
        for upload_id in known & one.keys():
            del one[upload_id]
    return {upload_id for one in kept for upload_id in one}


def _forget_removed(page: Any) -> None:
    """Gradio remembers the path of every upload for as long as it runs."""
    page.upload_file_set.intersection_update({path for path in page.upload_file_set if Path(path).exists()})
