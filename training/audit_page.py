"""The findings of an audit for people: lines for a terminal, and a page with the pictures side by side."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from training.labels import name_of

THUMBNAIL = 220
"""Longer side of a picture on the page, in pixels."""


def lines(findings: dict[str, Any]) -> Iterator[str]:
    """What the terminal shows: each contradiction with its decision, then the counts."""
    for one in findings["contradictions"]:
        claims = ", ".join(f"{claim['source']}: {claim['diagnosis']}" for claim in one["claims"])
        yield f"{one['isic_id']}  {claims}  ->  {name_of(one['decision']) or 'left out'}  ({one['why']})"
    for one in findings["same_picture"]:
        if not one["same_lesion"]:
            yield f"{' = '.join(one['isic_ids'])}  {name_of(one['labels'][0])}  ->  {one['decision']}"
    contradictory = {one["isic_id"] for one in findings["contradictions"]}
    for one in findings["same_id"]:
        if one["isic_id"] not in contradictory:
            yield f"{one['isic_id']}  {len(one['files'])} files in {one['source']}  ->  used once"
    for one in findings["unreadable"]:
        yield f"{one['file']}  {one['why']}"
    yield ""
    for folder in findings["folders"]:
        yield f"{folder['files']:6d}  files of {folder['layout']} in {folder['folder']}"
    yield from (f"{count:6d}  {what}" for what, count in counts(findings).items())
    for rule, decided in findings["rules"].items():
        yield f"{decided['images']:6d}  {rule}"
    for (kind, of), classes in one_sided(findings).items():
        yield f"of one {kind}, {of}: {classes}"


def counts(findings: dict[str, Any]) -> dict[str, int]:
    """What was found, in words, and how often."""
    twins = findings["same_picture"]
    return {
        "images": findings["images"],
        "images under contradictory labels": len(findings["contradictions"]),
        "images that one source holds more than once": len(findings["same_id"]),
        "groups of files with the same bytes": len(findings["same_bytes"]),
        "pairs of ids that show one picture": len(twins),
        "of these, not known to be one lesion": sum(not one["same_lesion"] for one in twins),
        "ids whose files do not look alike": len(findings["other_picture"]),
        "images that several sources hold": sum(one["images"] for one in findings["shared"]),
        "lesions with several images": findings["lesions"]["with_several_images"],
        "images of these lesions": findings["lesions"]["images_in_them"],
        "unreadable files": len(findings["unreadable"]),
        "images kept": findings["kept"],
        "images left out": findings["left_out"],
    }


def one_sided(findings: dict[str, Any]) -> dict[tuple[str, str], str]:
    """For each source, camera or origin that alone has nearly all of some classes: these classes, as a list to read."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in findings["one_sided"]:
        found[one["kind"], one["of"]].append(f"{one['class']} ({one['images']} of {one['total']})")
    return {group: ", ".join(classes) for group, classes in found.items()}


def write_page(findings: dict[str, Any], folder: Path) -> Path:
    """Write `index.html` and its pictures into `folder`; it asks for nothing outside. Returns the page's path."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)

    def picture(file: str) -> str:
        """The small copy of an image, as the page refers to it."""
        small = pictures / f"{hashlib.sha256(file.encode()).hexdigest()[:16]}.jpg"
        if not small.exists():
            with Image.open(file) as image:
                image.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
                copy = image.convert("RGB")
            copy.thumbnail((THUMBNAIL, THUMBNAIL))
            copy.save(small, quality=80)
        return f"pictures/{small.name}"

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"picture": picture, "name_of": name_of}
    page = folder / "index.html"
    template = environment.get_template("audit.html.j2")
    page.write_text(
        template.render(found=findings, counts=counts(findings), one_sided=one_sided(findings)), encoding="utf-8"
    )
    return page
