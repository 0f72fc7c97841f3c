"""The model card: docs/MODEL_CARD.md, from evaluations and the model's own JSON.

In the order of CLEAR Derm (Daneshjou et al., JAMA Dermatology 158:90, 2022): data, technique, technical assessment,
application. The words are in card.md.j2 beside this module; every number in it comes from a JSON or a manifest, but for
the aims, which are below.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core import taxonomy
from core.vision.model_file import ModelFile
from training import tables
from training.diagrams import draw_all
from training.evaluation import NOTHING, Evaluation, Figure, Group
from training.metrics import truly_needs_attention
from training.run import FitConfig, Progress, Sample, load_manifest
from training.splits import TEST, TRAIN, VAL
from training.tables import count, number, source_name, told

DIAGRAMS = "model_card"
"""Folder of the diagrams, beside the card."""

MIX_UPS = 5
"""So many of the most frequent mistakes are named."""


@dataclass(frozen=True)
class Aim:
    """A figure to reach; `find` looks for it in one evaluation and gives a figure without a value where it is not."""

    name: str
    at_least: float
    reach: float
    find: Callable[[Evaluation], Figure]
    lower_is_better: bool = False

    def met(self, value: float | None) -> str:
        """In words: reached, met, not met or not measured."""
        if value is None:
            return "not measured"
        sign = -1 if self.lower_is_better else 1
        if sign * value >= sign * self.reach:
            return "**yes**, and what was reached for"
        return "**yes**" if sign * value >= sign * self.at_least else "**no**"


def _in_source(source: str, task: str, label: str = "") -> Callable[[Evaluation], Figure]:
    """Balanced accuracy of a task within a source, or the AUC of one of its labels."""

    def find(evaluation: Evaluation) -> Figure:
        group = evaluation.by_source.get(source)
        found = group.tasks.get(task) if group else None
        if found is None:
            return NOTHING
        return found.classes[label].auc if label else found.balanced_accuracy

    return find


def _nine_classes(evaluation: Evaluation) -> Figure:
    found = evaluation.overall.tasks.get("nine_classes")
    return found.macro_auc if found else NOTHING


AIMS = (
    Aim("HAM10000, seven classes: balanced accuracy", 0.72, 0.80, _in_source("ham10000", "ham10000")),
    Aim("HAM10000: melanoma AUC", 0.90, 0.95, _in_source("ham10000", "ham10000", "melanoma")),
    Aim("ISIC 2017: melanoma AUC", 0.78, 0.87, _in_source("isic2017", "isic2017", "melanoma")),
    Aim("ISIC 2017: seborrheic keratosis AUC", 0.85, 0.96, _in_source("isic2017", "isic2017", "seborrheic keratosis")),
    Aim("Nine classes: macro AUC", 0.90, 0.95, _nine_classes),
    Aim(
        "Malignant or indeterminate: sensitivity at the threshold",
        0.93,
        0.97,
        lambda evaluation: evaluation.overall.needs_attention.sensitivity,
    ),
    Aim(
        "Expected calibration error",
        0.05,
        0.02,
        lambda evaluation: evaluation.overall.calibration.ece,
        lower_is_better=True,
    ),
)
"""What was aimed for before training: at least so much, and what to reach for."""


def write_card(
    evaluations: Sequence[Evaluation],
    *,
    model: ModelFile,
    run: Path | None,
    out: Path,
    refusals: Path | None = None,
) -> None:
    """Write the card as `out` and its diagrams beside it.

    The first of `evaluations` is shown in full. `run` is the training run that made the model, for its splits and the
    rules about its labels; without it the card says only what the model file does. `refusals` is what
    `python -m training refusals --json` wrote. Raises ValueError where one of them is of another model.
    """
    refused = json.loads(refusals.read_text(encoding="utf-8")) if refusals else None
    others = {one.model.version for one in evaluations} - {model.version}
    if refused:
        others |= {refused["model_version"]} - {model.version}
    if others:
        raise ValueError(f"the card is of {model.version}, and there is an evaluation of {', '.join(sorted(others))}")
    out.parent.mkdir(parents=True, exist_ok=True)
    diagrams = draw_all(evaluations[0], out.parent / DIAGRAMS)
    environment = Environment(  # noqa: S701  the text is Markdown, and nobody's input
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.get_template("card.md.j2").render(
        model=model,
        main=evaluations[0],
        terms=taxonomy.TERMS,
        tables=tables,
        count=count,
        number=number,
        told=told,
        source_name=source_name,
        first=tables.first_task(evaluations[0].overall),
        aims=aims(evaluations),
        mistakes=list(mistakes(evaluations[0].overall)),
        refusals=refusals_table(refused["kinds"]) if refused else "",
        trained_on=trained_on(model),
        run=run_facts(run, model) if run else None,
        picture=lambda name: f"![{diagrams[name]}]({DIAGRAMS}/{name})",
    )
    out.write_text(text, encoding="utf-8")


def aims(evaluations: Sequence[Evaluation]) -> str:
    """The table of aims; each is looked for in the evaluations in turn."""
    rows = []
    for aim in AIMS:
        found = next((figure for one in evaluations if (figure := aim.find(one)).value is not None), NOTHING)
        sign = "at most" if aim.lower_is_better else "at least"
        rows.append((aim.name, f"{sign} {aim.at_least:.2f}", f"{aim.reach:.2f}", told(found), aim.met(found.value)))
    return tables.table(("Measure", "Aimed for", "Reached for", "Measured (95 % interval)", "Met"), rows)


def refusals_table(kinds: dict[str, Any]) -> str:
    """Pictures that show no skin, by kind: how many there were, how many were refused, and which were not."""
    rows = [
        (kind, count(one["pictures"]), count(one["refused"]), ", ".join(one["passed"])) for kind, one in kinds.items()
    ]
    total = [sum(one[key] for one in kinds.values()) for key in ("pictures", "refused")]
    rows.append(("all", count(total[0]), f"{count(total[1])} ({total[1] / total[0]:.1%})", ""))
    return tables.table(("Kind", "Pictures", "Refused", "Not refused"), rows)


def mistakes(group: Group) -> Iterator[str]:
    """The most frequent confusions of the first task, in sentences, those that a patient pays for first."""
    task = tables.first_task(group)
    names, counts = list(task.labels), np.array(task.confusion)
    np.fill_diagonal(counts, 0)

    def missed(true: int, answer: int) -> bool:
        serious = [any(taxonomy.needs_attention(name) for name in task.labels[names[one]]) for one in (true, answer)]
        return serious == [True, False]

    ranked = sorted(zip(*np.nonzero(counts), strict=True), key=lambda pair: (not missed(*pair), -counts[pair]))
    for true, answer in ranked[:MIX_UPS]:
        of = task.classes[names[true]].images
        yield f"Of {count(of)} images of {names[true]}, {count(int(counts[true, answer]))} are read as {names[answer]}."


def trained_on(model: ModelFile) -> str:
    """What the model file says that it was trained on: images and lesions by source, with the licence."""
    return tables.table(
        ("Source", "Images", "Lesions", "Licence"),
        [
            (source_name(source), count(of["images"]), count(of["lesions"]), of["licence"])
            for source, of in model.trained_on.items()
        ],
    )


def run_facts(run: Path, model: ModelFile) -> dict[str, Any]:
    """What the folder of a run adds: its splits, its classes, how diagnoses were confirmed, rules and settings.

    Raises ValueError where the model started from other weights than the run.
    """
    progress = Progress.load(run)
    if progress.initial_weights != model.initial_weights:
        raise ValueError(f"{run.name} started from {progress.initial_weights}, the model from {model.initial_weights}")
    samples = load_manifest(run / "manifest.csv")
    config = FitConfig.load(run / "config.json")
    decisions = json.loads((run / "decisions.json").read_text(encoding="utf-8"))
    return {
        "config": config,
        "sizes": sorted(set(config.phases())),
        "epochs": len(config.phases()),
        "images": len(samples),
        "lesions": len({sample.row.lesion_id for sample in samples}),
        "known": {what: sum(bool(getattr(sample.row, what)) for sample in samples) for what in ("age", "sex", "site")},
        "splits": _split_table(samples),
        "classes": _class_table(samples),
        "confirmed": _confirmation_table(samples),
        "decisions": tables.table(("Rule", "Images"), [(rule, count(images)) for rule, images in decisions.items()]),
    }


def _split_table(samples: Sequence[Sample]) -> str:
    rows = []
    for source in sorted({sample.row.source for sample in samples}):
        cells = [source_name(source)]
        for split in (TRAIN, VAL, TEST):
            rows_of = [sample.row for sample in samples if (sample.row.source, sample.split) == (source, split)]
            cells.append(f"{count(len(rows_of))} of {count(len({row.lesion_id for row in rows_of}))}")
        rows.append(cells)
    return tables.table(("Source", "To train on: images of lesions", "To tune on", "To measure on"), rows)


def _class_table(samples: Sequence[Sample]) -> str:
    found = Counter((" or ".join(sorted(sample.row.labels)), sample.split) for sample in samples)
    names = sorted({name for name, _ in found})
    return tables.table(
        ("Label", "To train on", "To tune on", "To measure on"),
        [(name, *(count(found[name, split]) for split in (TRAIN, VAL, TEST))) for name in names],
    )


def _confirmation_table(samples: Sequence[Sample]) -> str:
    found: defaultdict[str, list[bool]] = defaultdict(list)
    serious = truly_needs_attention([sample.row for sample in samples])
    for sample, needs in zip(samples, serious.tolist(), strict=True):
        found[sample.row.confirm_type or "not recorded"].append(needs)
    return tables.table(
        ("How the diagnosis was confirmed", "Malignant or indeterminate", "Benign"),
        [(name, count(sum(needs)), count(len(needs) - sum(needs))) for name, needs in sorted(found.items())],
    )
