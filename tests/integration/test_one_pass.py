"""The shipped ONNX file against the same network in torch, and its maps against the grad-cam package.

On photographs (scikit-image's own) and on drawn lesions; with DERMTRAIL_DATA on images of HAM10000 too.
"""

import os
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import skimage.data
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from core.demo.lesion_images import LOOKS, draw_lesion
from core.vision.heat_map import from_activation
from core.vision.model_file import SHIPPED
from core.vision.preprocess import to_input
from core.vision.reader import OUTPUTS, Reader
from core.vision.torch_model import TorchModel, load_torch_model

DATA = Path(os.environ.get("DERMTRAIL_DATA", "nowhere")) / "ham10000" / "images"


def pictures() -> dict[str, Image.Image]:
    found = {kind: draw_lesion(seed=number, size=300, kind=kind) for number, kind in enumerate(list(LOOKS)[:3])}
    found |= {name: Image.fromarray(getattr(skimage.data, name)()) for name in ("retina", "coffee", "chelsea")}
    return found | {path.name: Image.open(path).convert("RGB") for path in sorted(DATA.glob("*.jpg"))[::2000]}


@cache
def torch_model() -> TorchModel:
    return load_torch_model()


@pytest.mark.parametrize("name", pictures())
def test_onnx_runtime_agrees_with_torch(reader: Reader, name: str) -> None:
    model = torch_model()
    x = to_input(
        pictures()[name], size=model.model_file.input_size, mean=model.model_file.mean, std=model.model_file.std
    )
    session = onnxruntime.InferenceSession(SHIPPED.parent / model.model_file.onnx)
    logits, _, features, _ = session.run(OUTPUTS, {"x": x[None]})
    with torch.inference_mode():
        last = model.network.forward_features(torch.from_numpy(x)[None])
        expected = model.network.forward_head(last)
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(features, last.mean(dim=(2, 3)).numpy(), atol=1e-4)


@pytest.mark.parametrize("name", pictures())
def test_each_map_is_grad_cams(reader: Reader, name: str) -> None:
    model, image = torch_model(), pictures()[name]
    file = model.model_file
    x = torch.from_numpy(to_input(image, size=file.input_size, mean=file.mean, std=file.std))[None]
    reading = reader.read(image)
    with GradCAM(model.network, [model.last_layer]) as cam:
        for index, class_name in enumerate(file.classes):
            cam(x, [ClassifierOutputTarget(index)])
            # Before the package enlarges it to the input's size, which is another matter.
            features = cam.activations_and_grads.activations[0].numpy()
            gradients = cam.activations_and_grads.gradients[0].numpy()
            theirs = cam.get_cam_image(
                x, model.last_layer, [ClassifierOutputTarget(index)], features, gradients, eigen_smooth=False
            )[0]
            ours = reading.activations[index]
            np.testing.assert_allclose(from_activation(ours), from_activation(theirs), atol=1e-2)
            assert from_activation(ours).max() in (0, 1), class_name
