"""Where a network's weights start from, and which of them may be trained."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from training.network import build_network, set_training


def a_picture() -> torch.Tensor:
    return torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_a_file_gives_everything_but_a_classifier_of_another_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    other = timm.create_model("test_efficientnet", num_classes=4)
    save_file(other.state_dict(), tmp_path / "other.safetensors")
    network, origin = build_network("test_efficientnet", initial_weights=str(tmp_path / "other.safetensors"))
    assert origin == "other.safetensors"
    assert torch.equal(network.state_dict()["conv_stem.weight"], other.state_dict()["conv_stem.weight"])
    assert network.get_submodule("classifier").weight.shape[0] == 9


def test_an_efficientnet_starts_from_its_lite_sibling_with_open_gates(tmp_path: Path) -> None:
    """With gates open and the same activation the two are one network, so they must find the same features."""
    torch.manual_seed(0)
    lite = timm.create_model("efficientnet_lite0", num_classes=9, act_layer=torch.nn.SiLU).eval()
    under_other_names = {f"port.{index}": value for index, value in enumerate(lite.state_dict().values())}
    torch.save(under_other_names, tmp_path / "lite.pth")
    network, _ = build_network("efficientnet_b0", initial_weights=str(tmp_path / "lite.pth"))
    network.eval()
    for part in network.modules():
        if type(part).__name__ == "SqueezeExcite":
            part.conv_expand.bias.data.fill_(50.0)  # type: ignore[union-attr,operator]
    with torch.inference_mode():
        torch.testing.assert_close(network(a_picture()), lite(a_picture()), rtol=1e-4, atol=1e-5)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "other.pth")
    with pytest.raises(ValueError, match="does not hold the weights of this network"):
        build_network("test_efficientnet", initial_weights=str(tmp_path / "other.pth"))


def test_weights_of_other_shapes_are_refused(tmp_path: Path) -> None:
    narrower = timm.create_model("efficientnet_b0").state_dict()
    narrower["conv_stem.weight"] = narrower["conv_stem.weight"][:16]
    torch.save(narrower, tmp_path / "narrower.pth")
    with pytest.raises(ValueError, match="other shapes"):
        build_network("efficientnet_b0", initial_weights=str(tmp_path / "narrower.pth"))


def test_frozen_stages_stay_as_they_are_while_the_rest_learns() -> None:
    torch.manual_seed(0)
    network, _ = build_network("efficientnet_b0")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    set_training(network, frozen_stages=2)
    optimizer = torch.optim.SGD([each for each in network.parameters() if each.requires_grad], lr=0.1)
    network(a_picture().repeat(2, 1, 1, 1)).sum().backward()
    optimizer.step()
    after = network.state_dict()
    frozen = ("conv_stem", "bn1", "blocks.0", "blocks.1")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any(name.startswith(frozen) for name in changed)
    assert {"blocks.2.0.conv_pw.weight", "blocks.2.0.bn1.running_mean", "classifier.weight"} <= changed


def test_only_an_efficientnet_has_stages_to_freeze() -> None:
    network, _ = build_network("test_vit")
    with pytest.raises(ValueError, match="only an EfficientNet"):
        set_training(network, frozen_stages=1)
