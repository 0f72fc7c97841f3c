"""Ways to ask a network what in an image spoke for a class. Each gives a heat map; none says where a lesion ends.

The class activation methods (CAM) come from the package grad-cam, LIME and SHAP from Captum. Both are imported when
they are first needed, as is torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.vision.heat_map import HeatMap, from_activation
from core.vision.preprocess import Pixels, normalise, to_square
from core.vision.torch_model import TorchModel

if TYPE_CHECKING:
    from torch import Tensor, nn


class Method(StrEnum):
    """How to explain, by the names that their papers gave them."""

    GRAD_CAM = "Grad-CAM"
    GRAD_CAM_PLUS_PLUS = "Grad-CAM++"
    LAYER_CAM = "LayerCAM"
    EIGEN_CAM = "EigenCAM"
    SCORE_CAM = "Score-CAM"
    LIME = "LIME"
    SHAP = "SHAP"


WHAT_IT_SHOWS = {
    Method.GRAD_CAM: "Where the network's last features speak for the class, each weighted by how much the class's "
    "score rises with it. For this network that is exact. (Selvaraju et al. 2017)",
    Method.GRAD_CAM_PLUS_PLUS: "As Grad-CAM, but only features that raise the score count, and several places can be "
    "hot at once. (Chattopadhay et al. 2018)",
    Method.LAYER_CAM: "As Grad-CAM, but each place is weighted by itself, and only where it raises the score. "
    "(Jiang et al. 2021)",
    Method.EIGEN_CAM: "The pattern that the last features have most in common, whatever the class: what stands out to "
    "the network, not what speaks for a diagnosis. (Muhammad and Yeasin 2020)",
    Method.SCORE_CAM: "The image is shown through the last features one after another, those that vary most; the more "
    "of the class's score is left, the more a feature counts. (Wang et al. 2020)",
    Method.LIME: "Patches of the image are painted over at random; a straight line fitted to the class's score says "
    "how much each patch raises it. (Ribeiro et al. 2016)",
    Method.SHAP: "Patches are painted over in many combinations; each gets its fair share of what the whole image "
    "adds to the class's score. (Lundberg and Lee 2017, Kernel SHAP)",
}
"""A sentence for whoever looks at a heat map of each method."""


@dataclass(frozen=True)
class Effort:
    """How much the slow methods do, all that lets their time grow.

    Attributes:
        channels: how many of the last features Score-CAM looks through, those with the greatest variance.
        samples: how many partly painted images LIME and SHAP look at.
        superpixels: into about how many patches these two divide the image.
    """

    channels: int = 320
    samples: int = 400
    superpixels: int = 50


SEED = 0
_BATCH = 16


def explain(
    model: TorchModel,
    image: Image.Image,
    *,
    method: Method,
    class_name: str,
    progress: Callable[[float], None] = lambda _share: None,
    effort: Effort = Effort(),
) -> HeatMap:
    """What spoke for `class_name` in an RGB image, by `method`; the same arguments always give the same map.

    The map has the size of the last feature map for the CAM methods, of the network's input for LIME and SHAP. It
    holds evidence for the class only, scaled to a maximum of 1; it is all zero where there is none.
    `progress` hears the share that is done, from 0 to 1; whatever it raises ends the work and goes to the caller.
    Raises ValueError for a class that the model does not know.
    """
    import torch  # noqa: PLC0415

    file = model.model_file
    index = file.classes.index(class_name)
    square = to_square(image, size=file.input_size)
    x = torch.from_numpy(normalise(square, mean=file.mean, std=file.std))[None]
    passes = {Method.SCORE_CAM: 1 + effort.channels, Method.LIME: effort.samples, Method.SHAP: effort.samples}
    with torch.random.fork_rng(devices=[]), _counted(model.network, progress, passes=passes.get(method, 1)):
        torch.manual_seed(SEED)
        if method in (Method.LIME, Method.SHAP):
            return from_activation(
                _of_patches(model.network, x, square=square, index=index, method=method, effort=effort)
            )
        return from_activation(_of_features(model, x, index=index, method=method, effort=effort))


@contextmanager
def _counted(network: nn.Module, progress: Callable[[float], None], *, passes: int) -> Iterator[None]:
    """Tell `progress` after each batch which share of the images has gone through `network`."""
    done = 0

    def after(_network: nn.Module, inputs: tuple[Tensor, ...], _outputs: Tensor) -> None:
        nonlocal done
        done += len(inputs[0])
        progress(min(1.0, done / passes))

    handle = network.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()


def _of_features(
    model: TorchModel, x: Tensor, *, index: int, method: Method, effort: Effort
) -> npt.NDArray[np.float32]:
    """The map of a CAM method, (rows, columns) of any values, before the package scales and enlarges it."""
    import pytorch_grad_cam as package  # noqa: PLC0415
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: PLC0415

    kinds = {
        Method.GRAD_CAM: package.GradCAM,
        Method.GRAD_CAM_PLUS_PLUS: package.GradCAMPlusPlus,
        Method.LAYER_CAM: package.LayerCAM,
        Method.EIGEN_CAM: package.EigenCAM,
        Method.SCORE_CAM: package.ScoreCAM,
    }
    # Gradients end at the last layer: what lies before it costs no backward pass.
    model.network.requires_grad_(False)
    model.last_layer.requires_grad_(True)
    target = ClassifierOutputTarget(index)
    cam = kinds[method](model.network, [model.last_layer])
    cam.batch_size = _BATCH
    try:
        (logits,) = cam.activations_and_grads(x)
        activations = cam.activations_and_grads.activations[0].numpy()
        gradients = None
        if cam.uses_gradients:
            target(logits).backward()
            gradients = cam.activations_and_grads.gradients[0].numpy()
        if method is Method.SCORE_CAM:
            activations = activations[:, _most_varied(activations[0], effort.channels)]
        found = cam.get_cam_image(x, model.last_layer, [target], activations, gradients, eigen_smooth=False)[0]
    finally:
        cam.activations_and_grads.release()
        model.network.zero_grad()
    # A principal component has no sign of its own: here it is hot where the features are strong.
    if method is Method.EIGEN_CAM and (found * activations[0].mean(axis=0)).sum() < 0:
        found = -found
    return np.asarray(found, np.float32)


def _most_varied(features: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.intp]:
    """Which of (features, rows, columns) vary most over the image: the others would mask nothing in particular."""
    return np.sort(np.argsort(-features.var(axis=(1, 2)), kind="stable")[:count])


def _of_patches(
    network: nn.Module, x: Tensor, *, square: Pixels, index: int, method: Method, effort: Effort
) -> npt.NDArray[np.float32]:
    """How much each superpixel (Achanta et al. 2012, SLIC) raises the class's logit, spread over its pixels.

    A patch is painted over with the mean colour of the image: black would look like pigment.
    """
    import torch  # noqa: PLC0415
    from captum._utils.models.linear_model import SkLearnRidge  # noqa: PLC0415
    from captum.attr import KernelShap, Lime  # noqa: PLC0415
    from skimage.segmentation import slic  # noqa: PLC0415

    patches = slic(square, n_segments=effort.superpixels, start_label=0, channel_axis=-1)
    settings: dict[str, Any] = {
        "baselines": x.mean(dim=(2, 3), keepdim=True).expand_as(x),
        "feature_mask": torch.from_numpy(patches)[None, None],
        "target": index,
        "n_samples": effort.samples,
        "perturbations_per_eval": _BATCH,
    }
    if method is Method.LIME:
        # The regression and the closeness of LIME's own package for images.
        explainer: Lime = Lime(network, interpretable_model=SkLearnRidge(alpha=1.0), similarity_func=_closeness)
    else:
        explainer = KernelShap(network)
    with torch.no_grad():
        attributed: Tensor = explainer.attribute(x, **settings)
    return attributed[0, 0].numpy()


def _closeness(_original: Tensor, _painted: Tensor, kept: Tensor, **_: Any) -> Tensor:
    """How much a sample counts, from 0 to 1: by the cosine distance of its kept patches, [1, patches], from all."""
    distance = 1 - kept.float().mean().sqrt()
    return (-(distance**2) / 0.25**2 / 2).exp()
