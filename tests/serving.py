"""The public page, served by a real server in a thread of this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

STARTS_WITHIN = 60.0
"""Seconds; on an idle machine it takes less than one."""


@contextmanager
def serving(page: FastAPI) -> Iterator[str]:
    """The address of `page`, which is mounted at /screening, until the block is left."""
    app = Starlette(routes=[Mount("/screening", app=page)], lifespan=lambda _: page.router.lifespan_context(page))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + STARTS_WITHIN
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        thread.join(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/screening/"
    finally:
        server.should_exit = True
        thread.join(30)
