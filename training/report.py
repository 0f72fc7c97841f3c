"""An evaluation for people: a few lines for the terminal, and a page with diagrams."""

from pathlib import Path

from markdown_it import MarkdownIt

from training import tables
from training.diagrams import draw_all
from training.evaluation import Evaluation
from training.tables import count, told

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
  table {{ border-collapse: collapse; display: block; overflow-x: auto; font-size: 0.9rem; }}
  th, td {{ padding: 0.25rem 0.75rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }}
  img {{ max-width: 100%; width: 36rem; background: white; border-radius: 0.5rem; }}
</style>
{body}
</html>
"""


def summary(evaluation: Evaluation) -> str:
    """What was read and how, and the leading figures, in lines of plain text."""
    data, overall = evaluation.data, evaluation.overall
    lines = [f"{count(overall.images)} images of {count(overall.lesions)} lesions read by {evaluation.model.version}"]
    lines += [f"{images:7d}  {how}" for how, images in data.mapping.items()]
    lines += [f"{images:7d}  left out: {word}" for word, images in data.left_out.items()]
    lines += [f"without a file: {isic_id}" for isic_id in data.missing]
    lines += [f"unreadable: {isic_id}: {why}" for isic_id, why in data.unreadable.items()]
    for name, task in overall.tasks.items():
        lines += [
            f"\n{tables.TASKS[name]}, {count(task.images)} images",
            f"  accuracy           {told(task.accuracy)}",
            f"  balanced accuracy  {told(task.balanced_accuracy)}",
            f"  macro AUC          {told(task.macro_auc)}",
            *(f"  AUC {told(one.auc)}  {label}" for label, one in task.classes.items()),
        ]
    needs = overall.needs_attention
    lines += [
        f"\nMalignant or indeterminate: {count(needs.positives)} against {count(needs.negatives)} images",
        f"  AUC                {told(needs.auc)}",
        f"  sensitivity        {told(needs.sensitivity)}",
        f"  specificity        {told(needs.specificity)}",
        f"Calibration error    {told(overall.calibration.ece)}",
    ]
    return "\n".join(lines)


def write_report(evaluation: Evaluation, folder: Path) -> Path:
    """Write index.html and its diagrams into `folder`; returns the page."""
    diagrams = draw_all(evaluation, folder)
    text = _markdown(evaluation, diagrams)
    page = folder / "index.html"
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    page.write_text(_PAGE.format(title=f"Evaluation of {evaluation.model.version}", body=html), encoding="utf-8")
    return page


def _markdown(evaluation: Evaluation, diagrams: dict[str, str]) -> str:
    overall, data = evaluation.overall, evaluation.data
    parts = [
        f"# Evaluation of {evaluation.model.version}",
        f"{count(overall.images)} images of {count(overall.lesions)} lesions, from {data.labels} {data.split}. "
        f"Intervals are 95 %, over {count(evaluation.bootstrap.resamples)} resamples of lesions. A figure that fewer "
        f"than {evaluation.at_least} lesions would give is left out of the groups.",
    ]
    read = [(how, count(images)) for how, images in data.mapping.items()]
    read += [(f"left out: {word}", count(images)) for word, images in data.left_out.items()]
    read += [("no file of that name", count(len(data.missing)))] if data.missing else []
    read += [("unreadable file", count(len(data.unreadable)))] if data.unreadable else []
    if read:
        parts += ["## How the labels were read", tables.table(("Label", "Images"), read)]
    parts += ["## All images", tables.overview(overall)]
    for name, task in overall.tasks.items():
        parts += [f"### {tables.TASKS[name]}", tables.classes(task)]
    for name, group in evaluation.by_source.items():
        for key, task in group.tasks.items():
            heading = f"### {tables.source_name(name)} alone: {tables.TASKS[key].lower()}"
            whole = f"Balanced accuracy {told(task.balanced_accuracy)}, macro AUC {told(task.macro_auc)}."
            parts += [heading, whole, tables.classes(task)]
    parts += ["## Melanoma against nevus within each source", tables.melanoma_against_nevus(evaluation)]
    for key, head in tables.GROUPS.items():
        if groups := getattr(evaluation, key):
            parts += [f"## By {head}", tables.subgroups(groups, head)]
    if evaluation.by_skin_type:
        parts += ["## By skin type", tables.subgroups(evaluation.by_skin_type, "skin type")]
    if evaluation.masks:
        parts += ["## Heat maps against outlines", tables.masks(evaluation)]
    parts += ["## Diagrams", *(f"![{caption}]({name})\n\n{caption}" for name, caption in diagrams.items())]
    return "\n\n".join(parts) + "\n"
