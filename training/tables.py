"""An evaluation as Markdown tables, for the report and the model card alike. No number is written anywhere else."""

from collections.abc import Iterable, Mapping, Sequence

from training.evaluation import Evaluation, Figure, Group, Task

TASKS = {
    "nine_classes": "Nine classes",
    "ham10000": "HAM10000's seven classes",
    "isic2017": "ISIC 2017's three classes",
    "labels": "The labels at hand",
}
SOURCES = {"ham10000": "HAM10000", "isic2017": "ISIC 2017", "isic9": "nine-class set", "isic-archive": "ISIC archive"}
GROUPS = {"by_source": "source", "by_age": "age in years", "by_sex": "sex", "by_site": "site of the body"}


def number(value: float | None, *, digits: int = 3) -> str:
    """A share or an area, a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def told(figure: Figure, *, digits: int = 3) -> str:
    """A figure with its interval: "0.638 (0.560 to 0.707)"."""
    if figure.value is None or figure.low is None or figure.high is None:
        return number(figure.value, digits=digits)
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def count(value: int) -> str:
    """A number of things: "1,128"."""
    return f"{value:,}"


def source_name(source: str) -> str:
    """What people call a source."""
    return SOURCES.get(source, source)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are set to the right."""
    lines = [" | ".join(head), " | ".join(["---", *["---:"] * (len(head) - 1)]), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def overview(group: Group) -> str:
    """The figures of some images as a whole."""
    task = first_task(group)
    needs = group.needs_attention
    rows = [
        ("Accuracy", task.images, told(task.accuracy)),
        ("Balanced accuracy", task.images, told(task.balanced_accuracy)),
        ("Macro AUC", task.images, told(task.macro_auc)),
        ("Malignant or indeterminate against benign: AUC", needs.positives + needs.negatives, told(needs.auc)),
        (f"– sensitivity at the threshold of {needs.threshold:.3f}", needs.positives, told(needs.sensitivity)),
        ("– specificity at the same", needs.negatives, told(needs.specificity)),
        ("Expected calibration error", group.calibration.images, told(group.calibration.ece)),
        ("Area under the risk-coverage curve", group.calibration.images, told(group.selective.aurc)),
    ]
    if group.certainty:
        rows += [
            ("Readings that are certain", group.images, told(group.certainty.certain)),
            ("– uncertain: needs review", group.images, told(group.certainty.uncertain)),
            ("– refused as unreadable", group.images, told(group.certainty.unreadable)),
            ("Accuracy of the certain ones", group.images, told(group.certainty.accuracy_of_certain)),
        ]
    if group.prediction_sets:
        rows += [
            ("Prediction sets that hold the true class", group.images, told(group.prediction_sets.coverage)),
            ("Classes in a prediction set", group.images, told(group.prediction_sets.mean_size, digits=2)),
        ]
    return table(
        ("Measure", "Images", "Figure (95 % interval)"), [(name, count(images), text) for name, images, text in rows]
    )


def classes(task: Task) -> str:
    """Each label of a task against the others."""
    return table(
        ("Label", "Images", "Lesions", "Sensitivity", "Specificity", "AUC"),
        [
            (
                name,
                count(one.images),
                count(one.lesions),
                told(one.sensitivity, digits=2),
                told(one.specificity, digits=2),
                told(one.auc),
            )
            for name, one in task.classes.items()
        ],
    )


def subgroups(groups: Mapping[str, Group], head: str) -> str:
    """One line for each group of images: the figures that are comparable between groups."""
    return table(
        (head[0].upper() + head[1:], "Images", "Needing attention", "AUC", "Sensitivity", "Specificity", "ECE"),
        [
            (
                source_name(name),
                count(group.images),
                count(group.needs_attention.positives),
                told(group.needs_attention.auc, digits=2),
                told(group.needs_attention.sensitivity, digits=2),
                told(group.needs_attention.specificity, digits=2),
                told(group.calibration.ece, digits=2),
            )
            for name, group in groups.items()
        ],
    )


def melanoma_against_nevus(evaluation: Evaluation) -> str:
    """Within each source, where the camera cannot help."""
    return table(
        ("Source", "Melanomas", "Nevi", "AUC"),
        [
            (source_name(source), count(one.melanomas), count(one.nevi), told(one.auc))
            for source, one in evaluation.melanoma_against_nevus.items()
        ],
    )


def masks(evaluation: Evaluation) -> str:
    """Heat maps against outlines, beside what a map that knows nothing would get. Empty without outlines."""
    found = evaluation.masks
    if found is None:
        return ""
    return table(
        ("Map of", "Energy inside the lesion", "Hottest point inside the lesion"),
        [
            ("the leading class", told(found.leading_class.energy), told(found.leading_class.pointing)),
            ("the true class", told(found.true_class.energy), told(found.true_class.pointing)),
            ("nothing: the same everywhere; the middle", told(found.lesion_share), told(found.centre)),
        ],
    )


def first_task(group: Group) -> Task:
    """The finest task that the labels allow."""
    return next(iter(group.tasks.values()))


def first_task_name(group: Group) -> str:
    """What people call it."""
    return TASKS[next(iter(group.tasks))]
