"""python -m dashboard: serve DermTrail."""

import math
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.errors import DermTrailError
from core.records import users
from dashboard import gate, session, sign_in

ROOT = Path(__file__).parents[1]


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8501,
    address: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 is every one.")] = "127.0.0.1",
) -> None:
    """Serve the dashboard and the public screening page."""
    workspace = session.workspace()
    setup_code = sign_in.SetupCode()
    _refuse_taken_port(address, port)
    try:
        workspace.prepare()
        model_version = workspace.reader.model_version
        has_administrator = users.has_administrator(workspace.database)
    except DermTrailError as error:
        raise SystemExit(f"dermtrail: {error}") from error
    except OSError as error:
        raise SystemExit(f"dermtrail: {workspace.settings.home} cannot be used: {error.strerror}") from error
    shown = f"http://{'127.0.0.1' if address == '0.0.0.0' else address}:{port}"  # noqa: S104 - compared, not bound
    print(f"DermTrail keeps its data in {workspace.settings.home} and reads with model {model_version}.")
    print(f"Dashboard: {shown}    Public screening: {shown}{gate.SCREENING}")
    if not has_administrator:
        print(f"There is no administrator yet. Make the first one at {shown}{gate.FIRST_ADMINISTRATOR}")
        print(f"One-time code: {setup_code.code}")
    sys.stdout.flush()
    # Streamlit looks for .streamlit/config.toml in the working directory.
    os.chdir(ROOT)
    from dashboard.server import build_app  # noqa: PLC0415 - the lines above appear at once, Streamlit a second later

    megabytes = math.ceil(workspace.settings.max_image_bytes / 2**20)
    build_app(setup_code).run(
        config={"server.port": port, "server.address": address, "server.maxUploadSize": megabytes}
    )


def _refuse_taken_port(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise SystemExit(f"dermtrail: port {port} is not free; choose another with PORT=...") from error


if __name__ == "__main__":
    typer.run(serve)
