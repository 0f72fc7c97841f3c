"""The weights of a run mixed with those that it started from.

Fine-tuning bends a network towards its training set; part of the way back lies a network that is better than both on
images that neither has seen (model soups, Wortsman et al. 2022, arXiv:2203.05482).
"""

import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

WEIGHTS = Path("checkpoint") / "averaged.safetensors"


def blend(run: Path, start: Path, *, share: float, out: Path) -> Path:
    """Write into the folder `out` a run like `run` whose weights are its own by `share` (0..1) and `start`'s else.

    `start` is a file of safetensors of the same network. Such a run can be exported, but not gone on with. Raises
    ValueError where the two are not of one network, FileExistsError where `out` is there already.
    """
    own, other = load_file(run / WEIGHTS), load_file(start)
    if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in other.items()}:
        raise ValueError("the two files are not of one network")
    (out / WEIGHTS).parent.mkdir(parents=True)
    save_file({name: _between(other[name], value, share) for name, value in own.items()}, out / WEIGHTS)
    for name in ("config.json", "manifest.csv", "decisions.json", "checkpoint/progress.json"):
        shutil.copy(run / name, out / name)
    return out


def _between(first: Tensor, second: Tensor, share: float) -> Tensor:
    """`second` by `share`, for weights; counters are those of `second`."""
    return first + share * (second - first) if second.is_floating_point() else second
