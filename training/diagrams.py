"""The diagrams of an evaluation, as PNGs on white that read at half a page's width."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from training.evaluation import Evaluation, Figure, Group
from training.tables import GROUPS, first_task, source_name

INK, ACCENT, WARNING, PALE = "#16262b", "#0f766e", "#b45309", "#c9d6d6"
DPI = 160


def draw_all(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    """Draw every diagram into `folder`; gives for each file's name what it shows, in one sentence."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, str] = {}
    for name, (draw, size, caption) in DIAGRAMS.items():
        canvas = Canvas(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
        draw(canvas.subplots(), evaluation)
        canvas.savefig(folder / name, metadata={"Software": ""})
        drawn[name] = caption
    return drawn


def _reliability(axes: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.overall.calibration.bins
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.5, zorder=1)
    most = max((one.images for one in bins), default=1)
    for one in bins:
        axes.bar(
            one.low, one.accuracy, width=one.high - one.low, align="edge", color=ACCENT, edgecolor="white",
            alpha=0.3 + 0.7 * one.images / most,
        )  # fmt: skip
    axes.plot([one.confidence for one in bins], [one.accuracy for one in bins], "o", color=INK, markersize=3)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence of the leading label", ylabel="how often it is right")
    axes.set_title("Reliability")
    _tidy(axes)


def _risk_coverage(axes: Axes, evaluation: Evaluation) -> None:
    curve = evaluation.overall.selective.curve
    axes.plot([point.coverage for point in curve], [point.risk for point in curve], "-o", color=ACCENT, markersize=3)
    axes.set(xlim=(0, 1.02), ylim=(0, None), xlabel="share of images read, the most confident first")
    axes.set_ylabel("share of errors among them")
    axes.set_title("Risk against coverage")
    _tidy(axes)


def _confusion(axes: Axes, evaluation: Evaluation) -> None:
    task = first_task(evaluation.overall)
    counts = np.array(task.confusion, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="GnBu", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        if counts[row, column]:
            colour = "white" if share > 0.6 else INK
            axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", color=colour, fontsize=8)
    names = [name.replace(" or ", "\nor ") for name in task.labels]
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="answer", ylabel="true label")
    axes.set_title("Images by true label and answer")


def _classes(axes: Axes, evaluation: Evaluation) -> None:
    found = first_task(evaluation.overall).classes
    _forest(axes, {f"{name} ({one.images})": one.auc for name, one in found.items()})
    axes.set_title("AUC of each label against the others")


def _sensitivity(axes: Axes, evaluation: Evaluation) -> None:
    _forest(axes, _of_groups(evaluation, lambda group: group.needs_attention.sensitivity, positives=True))
    axes.set_title("Sensitivity for malignant or indeterminate")


def _specificity(axes: Axes, evaluation: Evaluation) -> None:
    _forest(axes, _of_groups(evaluation, lambda group: group.needs_attention.specificity, positives=False))
    axes.set_title("Specificity for malignant or indeterminate")


def _of_groups(evaluation: Evaluation, figure: Callable[[Group], Figure], *, positives: bool) -> dict[str, Figure]:
    """The figure of all images and of every group that has it, by a name that says over how many images."""

    def named(name: str, group: Group) -> str:
        needs = group.needs_attention
        return f"{name} ({needs.positives if positives else needs.negatives})"

    found = {named("all images", evaluation.overall): figure(evaluation.overall)}
    for key, head in {**GROUPS, "by_skin_type": "skin type"}.items():
        groups: Mapping[str, Group] = getattr(evaluation, key)
        what = {"by_age": "age ", "by_skin_type": "skin type "}.get(key, "")
        for name, group in groups.items():
            label = f"{head.split()[0]} unknown" if name == "unknown" else f"{what}{source_name(name)}"
            if figure(group).value is not None:
                found[named(label, group)] = figure(group)
    return found


def _forest(axes: Axes, figures: Mapping[str, Figure]) -> None:
    """One line for each figure: the value as a dot, its interval as a bar."""
    for place, figure in enumerate(figures.values()):
        if figure.value is None:
            continue
        if figure.low is not None and figure.high is not None:
            axes.plot([figure.low, figure.high], [place, place], color=ACCENT, linewidth=2.5, alpha=0.5)
        axes.plot(figure.value, place, "o", color=INK if place else WARNING, markersize=4)
    axes.set_yticks(range(len(figures)), list(figures), fontsize=8)
    axes.set_ylim(len(figures) - 0.4, -0.6)
    axes.set_xlim(None, 1.005)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)


DIAGRAMS: dict[str, tuple[Callable[[Axes, Evaluation], None], tuple[float, float], str]] = {
    "reliability.png": (
        _reliability, (4.6, 4.2),
        "How often the leading label is right, by its confidence; darker bars hold more images; the line is where "
        "both agree.",
    ),
    "risk_coverage.png": (
        _risk_coverage, (4.6, 4.2),
        "The share of errors where only the most confident images are read.",
    ),
    "confusion.png": (
        _confusion, (6.6, 6.0),
        "Images by true label (rows) and answer (columns); coloured by the share of the row.",
    ),
    "auc_by_class.png": (
        _classes, (6.0, 3.6),
        "AUC of each label against the others, with 95 % intervals; in brackets the images of that label.",
    ),
    "sensitivity_by_group.png": (
        _sensitivity, (6.0, 5.4),
        "Share of the malignant or indeterminate images that the threshold flags, by group, with 95 % intervals and "
        "the number of such images; groups with too few lesions are left out.",
    ),
    "specificity_by_group.png": (
        _specificity, (6.0, 6.4),
        "Share of the benign images that are not flagged, by group, with 95 % intervals and the number of such images.",
    ),
}  # fmt: skip
"""How each diagram is drawn, its size in inches, and what it shows."""
