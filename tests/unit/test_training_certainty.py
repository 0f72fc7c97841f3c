"""When a model is not to be believed: distances, limits, offsets and prediction sets on figures of known truth."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from core.vision.calibration import balance
from core.vision.quality import measure
from training.calibrate import choose_offsets, conformal_bounds, fit_temperature
from training.certainty import choose_familiar, choose_limits, strangeness_of
from training.data import HAM10000, Row
from training.labels import CLASSES
from training.metrics import NEEDS_ATTENTION, attention, expected_calibration_error, softmax
from training.network import OnePass, Watch, watched_pass


def cloud(count: int, *, seed: int, shift: float = 0.0) -> np.ndarray:
    """Points around `shift`, each of the 40 coordinates with a spread of its own."""
    points = np.random.default_rng(seed).normal(shift, 1, (count, 40)) * np.linspace(0.1, 5, 40)
    return points.astype(np.float32)


def test_what_the_watch_was_fitted_on_is_usual_and_what_lies_apart_is_strange() -> None:
    watch = Watch(torch.from_numpy(cloud(2000, seed=0)), directions=8)
    new, apart = (strangeness_of(watch, cloud(500, seed=1, shift=shift)) for shift in (0.0, 3.0))
    assert np.exp(new).mean() == pytest.approx(1, abs=0.1)
    assert new.max() < apart.min()


def test_the_distance_is_mahalanobis_where_every_direction_is_kept() -> None:
    points = cloud(4000, seed=0)
    watch = Watch(torch.from_numpy(points), directions=39)
    scaled = (points - points.mean(axis=0)) / points.std(axis=0)
    inverse = np.linalg.inv(np.cov(scaled, rowvar=False))
    expected = np.einsum("ni,ij,nj->n", scaled, inverse, scaled) / 40
    np.testing.assert_allclose(np.exp(strangeness_of(watch, points)), expected, rtol=0.02)


def test_one_pass_says_what_the_network_does_and_its_maps_add_up() -> None:
    torch.manual_seed(0)
    network = timm.create_model("efficientnet_b0", num_classes=9).eval()
    pictures = torch.randn(24, 3, 64, 64)
    with torch.inference_mode():
        _, statistics = watched_pass(network, pictures)
        logits, maps, features, strangeness = OnePass(network, Watch(statistics, directions=4))(pictures[:2])
        torch.testing.assert_close(logits, network(pictures[:2]), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(features, network.forward_features(pictures[:2]).mean(dim=(2, 3)))
    torch.testing.assert_close(maps.mean(dim=(2, 3)) + network.classifier.bias, logits)
    assert (maps.shape, features.shape, strangeness.shape) == ((2, 9, 2, 2), (2, 1280), (2,))


def test_no_source_counts_for_more_images_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.certainty.OF_EACH_SOURCE", 30)
    sources = ["rich"] * 500 + ["poor"] * 20
    picked = choose_familiar(sources, seed=0)
    assert [sum(sources[index] == name for index in picked) for name in ("rich", "poor")] == [30, 20]
    np.testing.assert_array_equal(picked, choose_familiar(sources, seed=0))


def test_limits_refuse_and_doubt_the_shares_that_they_should() -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(60, 200, (20, 32, 32, 3), dtype=np.uint8)
    strangeness, confidence = generator.normal(size=10_000), generator.uniform(0.2, 1, 10_000)
    limits = choose_limits(pixels=pixels, strangeness=strangeness, confidence=confidence)
    assert (strangeness >= limits.refused_from).mean() == pytest.approx(0.01, abs=0.001)
    assert (strangeness >= limits.strange_from).mean() == pytest.approx(0.05, abs=0.001)
    assert (confidence < limits.unclear_below).mean() == pytest.approx(0.10, abs=0.001)
    assert all(limits.quality.concern(measure(picture)) is None for picture in pixels)


def test_lifting_rare_classes_leaves_each_groups_sum_as_it_was() -> None:
    generator = np.random.default_rng(0)
    logits, offsets = generator.normal(0, 3, (50, 9)), generator.normal(0, 1, 9)
    lifted = balance(logits, class_offsets=offsets, attention_offset=0.0, attention=NEEDS_ATTENTION)
    np.testing.assert_allclose(attention(softmax(lifted)), attention(softmax(logits)))
    within = softmax(lifted)[:, NEEDS_ATTENTION]
    expected = softmax(logits + offsets)[:, NEEDS_ATTENTION]
    np.testing.assert_allclose(
        within / within.sum(axis=1, keepdims=True), expected / expected.sum(axis=1, keepdims=True)
    )


def test_lifting_all_that_needs_attention_ranks_images_as_before() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (50, 9))
    before, after = (
        attention(
            softmax(balance(logits, class_offsets=np.zeros(9), attention_offset=offset, attention=NEEDS_ATTENTION))
        )
        for offset in (0.0, 1.5)
    )
    np.testing.assert_array_equal(before.argsort(), after.argsort())
    assert (after > before).all()


def test_offsets_give_rare_classes_their_due_and_leave_the_confidence_trustworthy() -> None:
    """Nine classes that a network tells apart, but for a lean towards those that it saw most of."""
    generator = np.random.default_rng(0)
    shares = np.array([0.02, 0.05, 0.02, 0.15, 0.6, 0.08, 0.04, 0.02, 0.02])
    labels = generator.choice(9, size=3000, p=shares)
    # The evidence alone is 2.2 for the true class, with noise; the lean is what the shares would add to it.
    logits = 2.2 * np.eye(9)[labels] + generator.normal(size=(3000, 9)) + 0.7 * np.log(shares)
    rows = [Row(str(i), Path(), HAM10000, str(i), frozenset({CLASSES[label]})) for i, label in enumerate(labels)]
    offsets = choose_offsets(logits, rows, shares=shares)
    lifted = offsets.applied(logits)

    def mean_sensitivity(scores: np.ndarray) -> float:
        right = scores.argmax(axis=1) == labels
        return float(np.mean([right[labels == label].mean() for label in range(9)]))

    assert mean_sensitivity(lifted) > mean_sensitivity(logits) + 0.03
    temperature = fit_temperature(lifted, np.eye(9, dtype=bool)[labels])
    assert expected_calibration_error(softmax(lifted, temperature=temperature), rows) <= 0.04


def test_prediction_sets_hold_nine_in_ten_of_each_class() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(9), 4000)
    logits = generator.normal(size=(len(labels), 9)) + 2 * np.eye(9)[labels]
    probabilities, admissible = softmax(logits), np.eye(9, dtype=bool)[labels]
    tuned_on = np.arange(len(labels)) % 2 == 0
    bounds = conformal_bounds(probabilities[tuned_on], admissible[tuned_on])
    held = (probabilities >= bounds)[admissible].reshape(9, 4000)[:, 1::2]
    np.testing.assert_allclose(held.mean(axis=1), 0.9, atol=0.03)


def test_a_class_that_was_never_surely_seen_is_in_every_set() -> None:
    admissible = np.zeros((4, 9), dtype=bool)
    admissible[:, [2, 3]] = True
    admissible[:3, 3] = False
    bounds = conformal_bounds(np.full((4, 9), 0.2), admissible)
    assert bounds[2] == pytest.approx(0.2)
    assert bounds[3] == bounds[0] == 0
