"""What the browser tests share: Chromium, and people who look at a server with it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from core.workspace import Workspace
from tests.browser import PATIENCE, Visitor, chromium
from tests.server import Server, clinic

# Until something is seen, not for so long: on an idle machine everything is there within a second or two.
expect.set_options(timeout=PATIENCE)


# Not of the session: the browsers of tests elsewhere cannot start while this one runs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A clinic that the server serves at the same time."""
    return clinic(tmp_path_factory.mktemp("clinic") / "home")


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Server]:
    """The server of that clinic."""
    server = Server(workspace.settings.home)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[[Server], Visitor]]:
    """Makes people, each at a browser of their own, who look at a server.

    At the end no page of theirs may have had a fault in its scripts, nor have asked for anything outside but the tiles
    of a map, without which it works.
    """
    visitors: list[Visitor] = []

    def arrive(server: Server) -> Visitor:
        visitors.append(Visitor(browser, server.url))
        return visitors[-1]

    yield arrive
    for one in visitors:
        one.context.close()
    assert [fault for one in visitors for fault in one.faults] == []
    asked = [address for one in visitors for address in one.outside]
    assert [address for address in asked if not address.startswith("https://tile.openstreetmap.org/")] == []
