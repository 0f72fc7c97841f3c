"""The operator's command line, in processes of its own, as an operator meets it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from core import taxonomy
from core.demo import clinic as demo_clinic
from core.records import audit, patients, readings, recalls, users, visits
from core.records.actor import OPERATOR
from core.records.clock import today
from core.records.database import Database
from core.records.terms import Role
from core.settings import Settings
from core.vision import model_file
from core.workspace import Workspace
from tests.charts import PASSWORD, Charts, lesion_file
from tests.everything import all_rows
from tests.generated import good_files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dialect() -> str:
    """The command line is the same on both; the verbs it calls are tested on both."""
    return "sqlite"


def core(*arguments: str | Path, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """Run `python -m core`; nothing it says may be a stack trace."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)],
        cwd=ROOT, input=typed, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


def opened(home: Path) -> Workspace:
    return Workspace(Settings(_env_file=None, home=home))


def test_read_says_what_the_model_says_and_goes_on_after_a_bad_file(tmp_path: Path, home: Path) -> None:
    (tmp_path / "a").mkdir()
    files = {
        tmp_path / "lesion.png": lesion_file(1),
        tmp_path / "notes.jpg": b"no image at all",
        tmp_path / "a" / "lesion.png": lesion_file(2),
        tmp_path / "phone.heic": good_files()["HEIC"],
        tmp_path / "folder": None,
        tmp_path / "missing.png": None,
    }
    for path, data in files.items():
        if data is not None:
            path.write_bytes(data)
    (tmp_path / "folder").mkdir()
    done = core("read", *files, "--json", "--overlays", tmp_path / "shown" / "here")
    assert done.returncode == 1
    results = json.loads(done.stdout)
    assert [result["file"] for result in results] == [str(path) for path in files]
    model = model_file.ModelFile.load()
    for result in (results[0], results[2], results[3]):
        assert list(result) == [
            "file",
            "prediction",
            "group",
            "probabilities",
            "malignant_probability",
            "flagged",
            "certainty",
            "concern",
            "prediction_set",
            "model_version",
            "seconds",
        ]
        assert set(result["probabilities"]) == {term.name for term in taxonomy.TERMS}
        assert sum(result["probabilities"].values()) == pytest.approx(1)
        assert result["prediction"] == max(result["probabilities"], key=result["probabilities"].get)
        assert result["group"] == taxonomy.term(result["prediction"]).group
        attention = sum(p for name, p in result["probabilities"].items() if taxonomy.needs_attention(name))
        assert result["malignant_probability"] == pytest.approx(attention)
        assert result["flagged"] is (attention >= model.malignant_threshold)
        assert result["prediction"] == result["prediction_set"][0]
        assert (result["certainty"] == "certain") == (result["concern"] is None)
        assert result["model_version"] == model.version
        assert 0 < result["seconds"] < 5
    for result, word in ((results[1], "text"), (results[4], "directory"), (results[5], "No such file")):
        assert list(result) == ["file", "error"]
        assert word in result["error"]
    shown = sorted(path.name for path in (tmp_path / "shown" / "here").iterdir())
    assert shown == ["lesion-2.png", "lesion.png", "phone.png"]
    with (
        Image.open(tmp_path / "shown" / "here" / "lesion.png") as overlay,
        Image.open(tmp_path / "lesion.png") as image,
    ):
        assert overlay.size == image.size
        assert overlay.tobytes() != image.tobytes()
    assert not home.exists()


def test_read_for_people(tmp_path: Path) -> None:
    (tmp_path / "lesion.png").write_bytes(lesion_file(1))
    done = core("read", tmp_path / "lesion.png")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert f"{tmp_path / 'lesion.png'}: " in done.stdout and "%" in done.stdout


def test_screen_says_what_to_do_and_why(tmp_path: Path) -> None:
    (tmp_path / "lesion.png").write_bytes(lesion_file(1))
    (tmp_path / "notes.jpg").write_bytes(b"no image at all")
    files = [tmp_path / "lesion.png", tmp_path / "notes.jpg"]
    done = core("screen", *files, "--json", "--answers", '{"changing": "yes", "itching": "yes"}')
    assert done.returncode == 1
    lesion, notes = json.loads(done.stdout)
    assert (lesion["file"], lesion["outcome"]) == (str(files[0]), "see-now")
    assert "You say that it has changed: the most important sign of all." in lesion["why"]
    (read,) = json.loads(core("read", files[0], "--json").stdout)
    assert set(lesion["reading"]) == set(read) - {"file"}
    assert set(notes) == {"file", "error"}


def test_answers_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "lesion.png").write_bytes(lesion_file(1))
    done = core("screen", tmp_path / "lesion.png", "--answers", '{"bleeding": "perhaps"}')
    assert done.returncode == 1
    assert done.stderr.startswith("dermtrail: The answer to 'bleeding' must be")


def test_read_without_a_model_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERMTRAIL_MODEL", str(tmp_path / "none.json"))
    done = core("read", tmp_path / "lesion.png")
    assert (done.returncode, done.stderr) == (1, "dermtrail: The model could not be loaded.\n")


def test_accounts_from_the_terminal(home: Path) -> None:
    added = core("users", "add", "Clara", "--role", "clinician", "--full-name", "Dr Clara", typed=f"{PASSWORD}\n")
    assert (added.returncode, added.stdout) == (0, "Added clara (clinician).\n")
    assert PASSWORD not in added.stdout + added.stderr
    workspace = opened(home)
    token = users.sign_in(workspace.database, name="clara", password=PASSWORD, address="192.0.2.7")

    for name, role, typed, word in (
        ("clara", "staff", f"{PASSWORD}\n", "of that name already"),
        ("carl", "staff", "short\n", "10 to 256 characters"),
        ("carl", "staff", "", "10 to 256 characters"),
    ):
        refused = core("users", "add", name, "--role", role, typed=typed)
        assert refused.returncode == 1
        assert refused.stderr.startswith("dermtrail: ") and word in refused.stderr
        assert typed.strip() == "" or typed.strip() not in refused.stdout + refused.stderr
    assert core("users", "add", "carl", "--role", "king", typed=f"{PASSWORD}\n").returncode == 2

    assert core("users", "disable", "clara").stdout == "Disabled clara.\n"
    assert core("users", "list").stdout == "clara\tclinician\tdisabled\tDr Clara\n"
    actor = users.resume(workspace.database, token=token, address="192.0.2.7", settings=workspace.settings)
    assert actor is None
    missing = core("users", "disable", "nobody")
    assert (missing.returncode, missing.stderr) == (1, "dermtrail: There is no account of that name.\n")
    trail = audit.search_audit(workspace.database, OPERATOR)
    assert {(e.user_name, e.address) for e in trail if e.action == "user.add"} == {("operator", "terminal")}


def test_backup_restore_and_tidy(
    charts: Charts, workspace: Workspace, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts.filled()
    before = all_rows(workspace.database)
    made = core("backup", tmp_path / "backup.zip")
    assert made.stdout == f"Backed up 1 patients and 1 images (3 files) to {tmp_path / 'backup.zip'}.\n"
    assert zipfile.ZipFile(tmp_path / "backup.zip").testzip() is None

    refused = core("restore", tmp_path / "backup.zip")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There are records here already. --force" in refused.stderr
    assert all_rows(workspace.database)["patient"] == before["patient"]
    charts.filled(name="Björn Lindqvist")
    assert core("restore", tmp_path / "backup.zip", "--force").returncode == 0
    assert all_rows(workspace.database)["patient"] == before["patient"]

    monkeypatch.setenv("DERMTRAIL_HOME", str(tmp_path / "another"))
    there = core("restore", tmp_path / "backup.zip")
    assert there.stdout == "Restored 1 patients and 1 images (3 files).\n"
    other = opened(tmp_path / "another")
    assert all_rows(other.database)["patient"] == before["patient"]
    assert sorted(other.images.all()) == sorted(
        row[key]
        for table, keys in {"image": ("sha256", "display_sha256"), "reading": ("overlay_sha256",)}.items()
        for row in before[table]
        for key in keys
    )
    tidied = core("tidy")
    assert (tidied.returncode, tidied.stdout) == (0, "Removed 0 stray files.\n")


def test_what_goes_wrong_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no backup.zip").write_text("dear clinic")
    (tmp_path / "a file").touch()
    url = f"postgresql+psycopg://postgres@/dermtrail?host={tmp_path}"
    for arguments, settings, word in (
        (("restore", tmp_path / "no backup.zip"), {}, "not a whole backup"),
        (("restore", tmp_path / "missing.zip"), {}, "missing.zip"),
        (("backup", tmp_path / "nowhere" / "backup.zip"), {}, "nowhere"),
        (("tidy",), {"DERMTRAIL_HOME": str(tmp_path / "a file")}, "a file"),
        (("users", "list"), {"DERMTRAIL_DATABASE_URL": url}, "The database does not answer"),
    ):
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            done = core(*arguments)
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("dermtrail: ") and done.stderr.count("\n") == 1, done.stderr
        assert word in done.stderr


def test_help_names_every_command() -> None:
    said = core("--help").stdout
    assert all(
        command in said for command in ("read", "users", "clinics", "place", "tidy", "backup", "restore", "demo")
    )


def test_the_demonstration_is_a_full_clinic(home: Path) -> None:
    done = core("demo")
    assert done.returncode == 0
    workspace = opened(home)
    database: Database = workspace.database
    signing_in = [line.split() for line in done.stdout.splitlines() if line.startswith("Sign in as")]
    assert [words[3] for words in signing_in] == [str(role) for role in Role]
    for words in signing_in:
        assert users.sign_in(database, name=words[3], password=words[-1], address="192.0.2.7")

    rows = all_rows(database)
    assert len(rows["patient"]) == len(demo_clinic.PEOPLE) >= 15
    assert len(rows["image"]) == len(rows["reading"]) > 60
    assert {row["name"] for row in rows["diagnosis"]} <= {term.name for term in taxonomy.TERMS}
    assert len(visits.visits_on(database, OPERATOR, day=today())) >= 4
    assert recalls.tally_recalls(database, OPERATOR, rule=workspace.lost_rule)
    assert 0 < readings.count_unreviewed(database, OPERATOR) < len(rows["image"])
    assert [patient.name for patient in patients.search_patients(database, OPERATOR, query="yildiz")] == ["Elif Yıldız"]
    assert len({row["sha256"] for row in rows["image"]}) == len(rows["image"])
    assert all(row["at"].astimezone().date() <= today() for row in rows["visit"])
    for row in rows["image"]:
        workspace.images.get(row["sha256"])

    again = core("demo")
    assert again.returncode == 1
    assert "needs an empty data folder" in again.stderr
    assert all_rows(database)["patient"] == rows["patient"]


def test_clinics_and_places_from_the_terminal(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "clinics.csv"
    file.write_text(
        "name;kind;latitude;longitude;id\nहिमालय त्वचा;dermatology;-60.5;-45,5;h1\nLost;hospital;99;0;h2\n",
        encoding="utf-8-sig",
    )
    taken = core("clinics", "import", file)
    assert (taken.returncode, taken.stdout.startswith("1 added, 0 updated")) == (0, True)
    assert taken.stderr.startswith("Line 3: A latitude lies between")
    assert core("clinics", "import", file).stdout.startswith("0 added, 0 updated, 1 unchanged")

    for arguments in (("-60.5", "-45.6", "--json"), ("--json", "--", "-60.5", "-45.6")):
        found = json.loads(core("clinics", "nearest", *arguments).stdout)
        assert len(found) == 10 and found[0]["name"] == "हिमालय त्वचा"
        assert list(found[0])[:3] == ["name", "kind", "distance_km"]
        assert [near["distance_km"] for near in found] == sorted(near["distance_km"] for near in found)
        assert {"latitude", "longitude", "country", "city", "phone", "website", "position_approximate"} <= set(found[0])
    for arguments, code in ((("95", "0"), 1), (("x", "0"), 2), (("1", "1", "--kind", "bakery"), 2)):
        assert core("clinics", "nearest", *arguments).returncode == code

    file.write_text("name,latitude\nA,1\n", encoding="utf-8")
    refused = core("clinics", "import", file)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "dermtrail: Columns are missing: kind, longitude.\n"
    assert core("clinics", "import", tmp_path / "none.csv").returncode == 1

    (best, *_) = json.loads(core("place", "Salem, India", "--json").stdout)
    assert (best["name"], best["country"]) == ("Salem", "IN")
    assert json.loads(core("place", "சேலம்", "--json").stdout)[0]["country"] == "IN"
    assert core("place", "qqqqzzzzxxxx", "--json").stdout == "[]\n"
