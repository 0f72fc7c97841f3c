"""Every method of explanation on a network whose answer is known: three colours, a class for each."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from core.vision import model_file
from core.vision.explain import WHAT_IT_SHOWS, Effort, Method, explain
from core.vision.heat_map import HeatMap
from core.vision.model_file import ModelFile
from core.vision.torch_model import TorchModel, load_torch_model

LITTLE = Effort(channels=3, samples=48, superpixels=16)
OF_A_CLASS = [method for method in Method if method is not Method.EIGEN_CAM]
SIDE = 64
QUADRANTS = {"red": (0, 0), "green": (0, 1), "blue": (1, 0)}
"""Where the picture has which colour, by row and column; the fourth quadrant is grey like the rest."""


class Colours(nn.Module):
    """A logit for each colour: how much of it there is and not of the others, over cells of 8 by 8 pixels."""

    def __init__(self) -> None:
        super().__init__()
        cells = nn.Conv2d(3, 3, 8, stride=8)
        own, others = 1 / 64, -0.5 / 64
        weights = torch.full((3, 3), others) + torch.eye(3) * (own - others)
        with torch.no_grad():
            cells.weight.copy_(weights[:, :, None, None].expand(3, 3, 8, 8))
            # Grey is no colour at all.
            cells.bias.fill_(-0.1)
        self.last = nn.Sequential(cells, nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """From [B, 3, S, S] to [B, 3]."""
        return 20 * self.last(x).mean(dim=(2, 3))


@pytest.fixture(scope="module")
def colours() -> TorchModel:
    """Such a network, with the first three classes of the taxonomy for its colours."""
    torch.manual_seed(0)
    network = Colours().eval()
    described = ModelFile.load(model_file.SHIPPED)
    known = described.model_copy(update={"input_size": SIDE, "mean": (0.5,) * 3, "std": (0.25,) * 3})
    return TorchModel(known, network, network.last)


def picture(*names: str) -> Image.Image:
    """Grey, with the quadrants of the named colours painted."""
    pixels = np.full((SIDE, SIDE, 3), 128, np.uint8)
    for name in names:
        row, column = (place * SIDE // 2 for place in QUADRANTS[name])
        colour = np.eye(3, dtype=np.uint8)[list(QUADRANTS).index(name)] * 255
        pixels[row : row + SIDE // 2, column : column + SIDE // 2] = colour
    return Image.fromarray(pixels)


def share_in(heat: HeatMap, name: str) -> float:
    """How much of the map's energy lies in the quadrant of a colour."""
    rows, columns = (slice(place * size // 2, (place + 1) * size // 2)
                     for place, size in zip(QUADRANTS[name], heat.shape, strict=True))  # fmt: skip
    return float(heat[rows, columns].sum() / heat.sum())


@pytest.mark.parametrize("method", OF_A_CLASS)
@pytest.mark.parametrize("name", QUADRANTS)
def test_the_heat_lies_where_the_class_is(colours: TorchModel, method: Method, name: str) -> None:
    of_the_class = colours.model_file.classes[list(QUADRANTS).index(name)]
    heat = explain(colours, picture(*QUADRANTS), method=method, class_name=of_the_class, effort=LITTLE)
    assert heat.dtype == np.float32 and (heat.min(), heat.max()) == (0, 1)
    assert share_in(heat, name) > 0.9


@pytest.mark.parametrize("name", QUADRANTS)
@pytest.mark.parametrize("asked", [0, 1, 2])
def test_eigen_cam_shows_what_stands_out_whatever_the_class(colours: TorchModel, name: str, asked: int) -> None:
    heat = explain(colours, picture(name), method=Method.EIGEN_CAM, class_name=colours.model_file.classes[asked])
    assert share_in(heat, name) > 0.99


@pytest.mark.parametrize("method", [Method.GRAD_CAM, Method.GRAD_CAM_PLUS_PLUS, Method.LAYER_CAM, Method.LIME])
def test_where_nothing_speaks_for_the_class_the_map_is_empty(colours: TorchModel, method: Method) -> None:
    heat = explain(colours, picture(), method=method, class_name=colours.model_file.classes[0], effort=LITTLE)
    assert not heat.any()


@pytest.mark.parametrize("method", Method)
def test_the_same_question_gets_the_same_answer_and_leaves_chance_alone(colours: TorchModel, method: Method) -> None:
    def ask() -> HeatMap:
        name = colours.model_file.classes[1]
        return explain(colours, picture(*QUADRANTS), method=method, class_name=name, effort=LITTLE)

    first = ask()
    torch.manual_seed(99)
    np.random.seed(99)
    state = torch.random.get_rng_state()
    np.testing.assert_array_equal(ask(), first)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("method", Method)
def test_progress_rises_to_the_end(colours: TorchModel, method: Method) -> None:
    heard: list[float] = []
    name = colours.model_file.classes[0]
    explain(colours, picture("red"), method=method, class_name=name, effort=LITTLE, progress=heard.append)
    assert heard == sorted(heard) and heard[0] > 0 and heard[-1] == 1


class StopHere(Exception):
    """What a listener raises who has heard enough."""


@pytest.mark.parametrize("method", Method)
def test_whoever_listens_may_stop_it_and_ask_again(colours: TorchModel, method: Method) -> None:
    heard = Counter[str]()

    def stop(share: float) -> None:
        heard["shares"] += 1
        if heard["shares"] == 2 or share == 1:
            raise StopHere

    name = colours.model_file.classes[0]
    with pytest.raises(StopHere):
        explain(colours, picture("red"), method=method, class_name=name, effort=LITTLE, progress=stop)
    heat = explain(colours, picture("red"), method=method, class_name=name, effort=LITTLE)
    assert share_in(heat, "red") > 0.9 and heard["shares"] <= 2


def test_a_class_that_the_model_does_not_know(colours: TorchModel) -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        explain(colours, picture("red"), method=Method.GRAD_CAM, class_name="freckle")


def test_every_method_says_what_it_shows() -> None:
    assert set(WHAT_IT_SHOWS) == set(Method)


def test_the_torch_model_has_all_the_weights_of_the_file_and_no_others(tmp_path: Path) -> None:
    model = load_torch_model()
    kept = load_file(model_file.SHIPPED.parent / model.model_file.weights)
    state = model.network.state_dict()
    assert state.keys() == kept.keys() and not model.network.training
    assert all(torch.equal(state[name], value) for name, value in kept.items())
