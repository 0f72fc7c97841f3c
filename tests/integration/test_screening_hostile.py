"""Broken and hostile uploads through the public page: each gets a sentence, and nothing of it stays."""

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.demo.lesion_images import draw_lesion
from core.guidance import words
from core.vision.reader import Reader
from dashboard.screening.answers import text
from dashboard.screening.limits import ScreeningLimits
from tests.generated import bad_files, encoded, good_files
from tests.screening import Caller, Served, screening_served, uploaded

BOUNDARY = "----boundary"
MUTATIONS = 10
"""Of each good file."""

PLENTY = ScreeningLimits(uploads=10_000, megabytes=10_000, requests=10_000)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """The data folder and the folder for temporary files; no other test uses them."""
    home, temporary = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        yield [home, temporary]


@pytest.fixture(scope="module")
def served(folders: list[Path], reader: Reader) -> Iterator[Served]:
    with screening_served(folders[0], reader, PLENTY) as page:
        yield page


@pytest.fixture
def caller(served: Served, folders: list[Path]) -> Iterator[Caller]:
    """After each test nothing is left but the counters, and a good photo is still read."""
    caller = Caller(served.address)
    yield caller
    good = caller.upload(encoded(draw_lesion(seed=7), "JPEG", quality=92))
    assert words.PHOTO_READ in shown(caller.call("upload", uploaded(*good.json())))
    left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert {path.name.split(".db")[0] for path in left} == {"counts"}
    assert served.uploads == []


def shown(answer: dict[str, Any]) -> str:
    """What a person sees of an answer of the queue, which holds nothing of the program's insides."""
    everything = json.dumps(answer)
    for inside in ("Traceback", ".py", "Exception", "Error(", "/screening/tmp", "dermtrail"):
        assert inside not in everything
    output = answer["output"]
    if answer["success"]:
        return str(output["data"][0])
    assert output["error"] in {words.NO_FILE, words.NOT_WORKING}, output
    return str(output["error"])


def refused(answer: Any) -> bool:
    """Whether an answer is one that says in a short sentence that the request was wrong."""
    if answer.status_code == 200:
        return False
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    plain = answer.headers["content-type"].startswith("text/plain")
    told = answer.text if plain else answer.json()["detail"]
    assert isinstance(told, str)
    assert 10 < len(told) < 120
    return True


def test_every_bad_file_gets_the_sentence_that_says_what_is_wrong_with_it(caller: Caller) -> None:
    for name, data, word in bad_files():
        sent = caller.upload(data)
        if refused(sent):
            assert sent.text == words.TOO_LARGE.format(limit="25"), name
            continue
        told = shown(caller.call("upload", uploaded(*sent.json())))
        assert words.PHOTO_NOT_READ in told, name
        assert text(word) in told, (name, told)


@pytest.mark.parametrize("kind", good_files())
def test_a_photo_that_lost_or_changed_bytes_on_its_way_is_read_or_refused(caller: Caller, kind: str) -> None:
    chance = random.Random(f"hurt {kind}")
    for _ in range(MUTATIONS):
        sent = caller.upload(hurt(good_files()[kind], chance))
        told = shown(caller.call("upload", uploaded(*sent.json())))
        assert (words.PHOTO_READ in told) != (words.PHOTO_NOT_READ in told)


def hurt(data: bytes, chance: random.Random) -> bytes:
    """`data` with bytes changed, its end cut off, two parts swapped, or a part said twice."""
    changed = bytearray(data)
    one, two, three = sorted(chance.randrange(len(data)) for _ in range(3))
    match chance.randrange(4):
        case 0:
            for _ in range(chance.choice([1, 8, 64])):
                changed[chance.randrange(len(data))] = chance.randrange(256)
        case 1:
            changed = changed[: max(three, 1)]
        case 2:
            changed = changed[:one] + changed[two:three] + changed[one:two] + changed[three:]
        case _:
            changed = changed[:two] + changed[one:two] * 3 + changed[two:]
    return bytes(changed)


NAMES = [
    "../../../etc/passwd",
    "..",
    ".",
    "/etc/passwd",
    "..\\..\\windows\\system32",
    "%2e%2e%2f%2e%2e%2fsecret",
    "spot\0.jpg",
    "\0",
    "",
    " ",
    "a" * 200,
    "a" * 5000,
    "स्थान.jpg",
    "\u202egpj.exe",
    "\U0001f9ff.png",
    "CON",
    "spot.jpg; filename=other",
    "<script>alert(1)</script>.jpg",
    "{{7*7}}${7*7}.jpg",
    "'; DROP TABLE patient; --.jpg",
    "-rf",
    "~/.ssh/id_rsa",
    "spot.jpg\r\nX-Injected: yes",
    ".htaccess",
    "state.json",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_file_leads_nowhere(caller: Caller, served: Served, name: str) -> None:
    body = part(f'name="files"; filename="{name}"', good_files()["JPEG"]) + f"--{BOUNDARY}--\r\n".encode()
    sent = send(caller, body)
    if refused(sent):
        return
    (path,) = sent.json()
    assert (served.home / "screening").resolve() in Path(path).parents
    assert {parent.name for parent in served.uploads} == {Path(path).name, Path(path).parent.name}
    told = shown(caller.call("upload", uploaded(path, orig_name=name)))
    assert (words.PHOTO_READ in told) != (words.PHOTO_NOT_READ in told)


def part(disposition: str, content: bytes) -> bytes:
    """One part of a form."""
    return (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode("utf-8", "surrogatepass")
        + content
        + b"\r\n"
    )


FILE = part('name="files"; filename="spot.jpg"', b"\xff\xd8\xff")
END = f"--{BOUNDARY}--\r\n".encode()
FORMS = {
    "nothing": b"",
    "no part": END,
    "no end": FILE,
    "cut within a header": FILE[:40],
    "two files": FILE + FILE + END,
    "a thousand files": FILE * 1000 + END,
    "a text in the place of a file": part('name="files"', b"spot.jpg") + END,
    "a text beside a file": part('name="more"', b"x") + FILE + END,
    "a file of another field": part('name="other"; filename="spot.jpg"', b"x") + END,
    "a part without a name": part('filename="spot.jpg"', b"x") + END,
    "a header without an end": f"--{BOUNDARY}\r\n".encode() + b"X: " + b"x" * 20_000,
    "no form": b"\xff\xd8\xff" * 100,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("progress", ["", "?upload_id=one"])
def test_a_form_that_is_not_one_file_is_refused(caller: Caller, served: Served, form: str, progress: str) -> None:
    assert refused(send(caller, FORMS[form], progress=progress)), form
    assert served.uploads == []


@pytest.mark.parametrize("content_type", ["", "image/jpeg", "multipart/form-data"])
def test_an_upload_in_another_wrapping_is_refused(caller: Caller, content_type: str) -> None:
    assert refused(send(caller, FILE.replace(BOUNDARY.encode(), b"x") + b"--x--\r\n", content_type=content_type))


def send(caller: Caller, body: bytes, *, content_type: str | None = None, progress: str = "") -> Any:
    """Send a form as it stands."""
    wrapping = f"multipart/form-data; boundary={BOUNDARY}" if content_type is None else content_type
    headers = {"Content-Type": wrapping} if wrapping else {}
    return caller.client.post(f"gradio_api/upload{progress}", content=body, headers=headers)


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


PAYLOADS = {
    "a file of the machine": uploaded("/etc/passwd"),
    "a file of the machine as a stream": uploaded("/etc/passwd", is_stream=True),
    "a way up": uploaded("../../../../etc/passwd"),
    "an address": uploaded("https://example.org/spot.jpg"),
    "an address beside": {"path": None, "url": "https://example.org/spot.jpg", "meta": {"_type": "gradio.FileData"}},
    "an address of this server": uploaded("x", url="http://127.0.0.1/screening/gradio_api/file=/etc/passwd"),
    "a file address": uploaded("file:///etc/passwd"),
    "a picture in the address": uploaded("data:image/png;base64,AAAA"),
    "no path": {"meta": {"_type": "gradio.FileData"}},
    "an empty path": uploaded(""),
    "a path of nothing": uploaded("\0"),
    "a long path": uploaded("a" * 5000),
    "a path that is a number": {"path": 7, "meta": {"_type": "gradio.FileData"}},
    "a path that is a list": {"path": ["/etc/passwd"], "meta": {"_type": "gradio.FileData"}},
    "the folder": uploaded("."),
    "a bare path": "/etc/passwd",
    "a number": 7,
    "nothing": None,
    "true": True,
    "an empty list": [],
    "a list of it": [uploaded("/etc/passwd")],
    "lists in lists": nested(50),
    "deep lists": nested(900),
    "a path in lists": [[[uploaded("/etc/passwd")]]],
    "an update": {"__type__": "update", "value": "/etc/passwd"},
    "many": [uploaded("/etc/passwd")] * 100,
}


@pytest.mark.parametrize("trigger", ["upload", "input"])
@pytest.mark.parametrize("forged", PAYLOADS)
def test_what_only_looks_like_an_upload_is_not_read(caller: Caller, forged: str, trigger: str) -> None:
    assert shown(caller.call(trigger, PAYLOADS[forged])) in {words.NO_FILE, words.NOT_WORKING}


def test_a_photo_is_read_once_and_only_under_its_whole_path(caller: Caller, served: Served) -> None:
    (path,) = caller.upload(good_files()["JPEG"]).json()
    for guess in (Path(path).parent, served.home / "screening" / Path(path).name):
        assert shown(caller.call("upload", uploaded(str(guess)))) in {words.NO_FILE, words.NOT_WORKING}
    caller.call("upload", uploaded(path))
    assert shown(caller.call("upload", uploaded(path))) in {words.NO_FILE, words.NOT_WORKING}


BODIES = {
    "no JSON": b"photo",
    "half of it": b'{"data": [',
    "a list": b"[]",
    "data that is no list": b'{"data": "x", "fn_index": 1, "session_hash": "caller"}',
    "no session": b'{"data": [null], "fn_index": 1}',
    "no function": b'{"data": [null], "session_hash": "caller"}',
    "a function that there is not": b'{"data": [null], "fn_index": 99999, "session_hash": "caller"}',
    "a negative function": b'{"data": [null], "fn_index": -1, "session_hash": "caller"}',
    "nothing but brackets": b"[" * 60_000,
    "two megabytes": b'{"data": ["' + b"x" * 2**21 + b'"], "fn_index": 1, "session_hash": "caller"}',
    "no text at all": bytes(range(256)),
    "infinity": b'{"data": [Infinity], "fn_index": 1e999, "session_hash": "caller"}',
}


@pytest.mark.parametrize("body", BODIES)
def test_a_request_that_is_not_understood_is_refused(caller: Caller, body: str) -> None:
    sent = caller.client.post(
        "gradio_api/queue/join", content=BODIES[body], headers={"Content-Type": "application/json"}
    )
    assert refused(sent), body


def test_there_are_300_of_them() -> None:
    files = len(list(bad_files())) + MUTATIONS * len(good_files())
    forms = len(NAMES) + len(FORMS) * 2 + 3
    assert files + forms + len(PAYLOADS) * 2 + len(BODIES) >= 300
