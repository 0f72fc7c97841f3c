"""Figures of an evaluation against values worked out by hand, and against scikit-learn's."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from training import bootstrap, evaluation, figures, masks
from training.data import Row
from training.evaluate import age_band
from training.figures import Measured
from training.labels import AKIEC, BKL, CLASSES, NINE_LABELS

ONCE = np.ones((1, 4), dtype=np.float32)


def row(number: int, *labels: str, lesion: str | None = None, source: str = "ham10000") -> Row:
    return Row(f"ISIC_{number}", Path("x"), source, lesion or f"L{number}", frozenset(labels))


def measured(rows: list[Row], probabilities: list[dict[str, float]], **more: list[object]) -> Measured:
    matrix = np.array([[of.get(name, 0.0) for name in CLASSES] for of in probabilities])
    weights = bootstrap.lesion_weights([one.lesion_id for one in rows], resamples=200)
    return Measured(rows, matrix, weights, **more)  # type: ignore[arg-type]


def test_whole_lesions_are_drawn_with_all_their_images() -> None:
    weights = bootstrap.lesion_weights(["a", "a", "b", "a", "c"], resamples=50)
    assert weights.shape == (51, 5) and (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 0] == weights[:, 3]).all()
    assert (weights[:, [0, 2, 4]].sum(axis=1) == 3).all()
    assert len({tuple(drawn) for drawn in weights.tolist()}) > 5
    assert (weights == bootstrap.lesion_weights(["a", "a", "b", "a", "c"], resamples=50)).all()


def test_interval_of_two_lesions_is_as_wide_as_two_lesions_and_not_a_hundred_images_allow() -> None:
    weights = bootstrap.lesion_weights(["read right"] * 50 + ["read wrong"] * 50)
    found = bootstrap.interval(bootstrap.mean(weights, np.arange(100) < 50))
    assert found == bootstrap.Interval(0.5, 0.0, 1.0)


def test_interval_holds_95_of_100_resamples() -> None:
    values = np.concatenate([[0.7], np.arange(1001) / 1000])
    found = bootstrap.interval(values)
    assert found == bootstrap.Interval(0.7, pytest.approx(0.025), pytest.approx(0.975))


def test_no_interval_where_too_many_resamples_lack_the_figure_and_no_figure_where_the_images_do() -> None:
    assert bootstrap.interval(np.array([0.5, *[0.5] * 80, *[np.nan] * 20])) == bootstrap.Interval(0.5, None, None)
    assert bootstrap.interval(np.array([np.nan, 0.5, 0.5])) == bootstrap.Interval(None, None, None)


def test_auc_counts_pairs_and_ties_by_half() -> None:
    truth, score = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.8, 0.1])
    assert bootstrap.auc(ONCE, truth, score).tolist() == [3.5 / 4]
    assert np.isnan(bootstrap.auc(ONCE, np.zeros(4, dtype=bool), score)).all()


def test_auc_under_weights_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    truth, score = generator.random(60) < 0.4, generator.integers(0, 20, 60) / 20
    weights = bootstrap.lesion_weights([f"L{number // 3}" for number in range(60)], resamples=120)
    expected = [roc_auc_score(truth, score, sample_weight=drawn) for drawn in weights]
    np.testing.assert_allclose(bootstrap.auc(weights, truth, score), expected)


def test_calibration_error_by_hand() -> None:
    confidence, right = np.array([0.9, 0.9, 0.6, 0.6]), np.array([True, False, True, True])
    assert bootstrap.calibration_error(ONCE, confidence, right, bins=10).tolist() == [pytest.approx(0.2 + 0.2)]
    twice_the_first = np.array([[2, 0, 1, 1]], dtype=np.float32)
    found = bootstrap.calibration_error(twice_the_first, confidence, right, bins=10)
    assert found.tolist() == [pytest.approx(0.05 + 0.2)]


def test_risk_area_by_hand() -> None:
    right = np.array([True, False, True, False])
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    assert bootstrap.risk_area(ONCE, confidence, right).tolist() == [pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)]
    assert bootstrap.risk_area(ONCE, confidence[::-1], right).tolist() == [
        pytest.approx((1 + 1 / 2 + 2 / 3 + 1 / 2) / 4)
    ]


def test_tasks_follow_the_labels() -> None:
    every = [row(number, name) for number, name in enumerate(CLASSES)]
    assert figures.tasks_of([*every, row(9, *AKIEC)]) == {"nine_classes": NINE_LABELS}
    codes = [AKIEC, BKL, *({name} for name in CLASSES if name not in AKIEC | BKL)]
    seven = [row(number, *labels) for number, labels in enumerate(codes)]
    assert [*figures.tasks_of(seven)] == ["ham10000"]
    assert frozenset(figures.tasks_of(seven)["ham10000"].values()) >= {AKIEC, BKL}
    archive = [one for one in every if one.labels != {"seborrheic keratosis"}]
    assert [(name, len(labels)) for name, labels in figures.tasks_of(archive).items()] == [
        ("labels", 8),
        ("ham10000", 7),
    ]
    three = [row(number, name) for number, name in enumerate(("melanoma", "nevus", "seborrheic keratosis"))]
    assert [*figures.tasks_of(three)] == ["isic2017"]
    two = figures.tasks_of([row(0, "melanoma"), row(1, "nevus"), row(2, "nevus")])
    assert two == {"labels": {"melanoma": {"melanoma"}, "nevus": {"nevus"}}}
    overlapping = figures.tasks_of([row(0, *AKIEC), row(1, "actinic keratosis"), row(2, "nevus")])
    assert overlapping == {"labels": {"actinic keratosis or squamous cell carcinoma": AKIEC, "nevus": {"nevus"}}}


def test_probabilities_are_summed_into_coarse_labels_and_others_are_not_predicted() -> None:
    rows = [row(0, *BKL), row(1, "nevus"), row(2, "nevus"), row(3, "melanoma")]
    readings = [
        {"seborrheic keratosis": 0.3, "pigmented benign keratosis": 0.3, "nevus": 0.4},
        {"basal cell carcinoma": 0.7, "nevus": 0.2, "melanoma": 0.1},
        {"melanoma": 0.6, "nevus": 0.4},
        {"melanoma": 0.9, "nevus": 0.1},
    ]
    images = measured(rows, readings)
    group = figures.group(images, figures.tasks_of(rows), threshold=0.5)
    task = group.tasks["labels"]
    assert [*task.labels] == ["melanoma", "nevus", "pigmented benign keratosis or seborrheic keratosis"]
    assert task.confusion == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert task.accuracy.value == 0.75
    assert task.balanced_accuracy.value == pytest.approx((1 + 0.5 + 1) / 3)
    assert task.classes["nevus"].sensitivity.value == 0.5
    assert task.classes["melanoma"].specificity.value == pytest.approx(2 / 3)
    assert task.classes["melanoma"].auc.value == 1.0
    # Melanoma against the three others: flagged are the first melanoma, the carcinoma's share and the mistaken nevus.
    needs = group.needs_attention
    assert (needs.positives, needs.negatives, needs.sensitivity.value) == (1, 3, 1.0)
    assert needs.specificity.value == pytest.approx(1 / 3)
    assert needs.auc.value == 1.0
    # Confidence of the answers 0.6, 0.2, 0.6 and 0.9; the third is wrong.
    assert group.calibration.ece.value == pytest.approx((abs(1.2 - 1) + 0.8 + 0.1) / 4)
    assert [(one.images, one.accuracy) for one in group.calibration.bins] == [(1, 1.0), (2, 0.5), (1, 1.0)]
    assert group.selective.curve[-1] == evaluation.Point(coverage=1.0, risk=0.25)
    assert group.selective.curve[0] == evaluation.Point(coverage=0.25, risk=0.0)


def test_figures_that_too_few_lesions_would_give_are_left_out() -> None:
    rows = [row(number, "melanoma" if number < 6 else "nevus", lesion=f"L{number // 2}") for number in range(30)]
    readings = [{"melanoma": 0.8, "nevus": 0.2}] * 30
    group = figures.group(measured(rows, readings), figures.tasks_of(rows), threshold=0.5, at_least=10)
    assert (group.images, group.lesions, group.needs_attention.positives) == (30, 15, 6)
    assert group.needs_attention.sensitivity == group.needs_attention.auc == evaluation.NOTHING
    assert group.needs_attention.specificity.value == 0.0
    assert group.tasks["labels"].balanced_accuracy == evaluation.NOTHING
    assert group.tasks["labels"].accuracy.value == pytest.approx(0.2)


def test_outcomes_and_prediction_sets_appear_where_the_model_gives_them() -> None:
    rows = [row(number, "melanoma" if number < 2 else "nevus") for number in range(4)]
    readings = [{"melanoma": 0.8, "nevus": 0.2}] * 2 + [{"melanoma": 0.6, "nevus": 0.4}] * 2
    without = figures.group(measured(rows, readings), figures.tasks_of(rows), threshold=0.5)
    assert without.certainty is None and without.prediction_sets is None
    sets = [("melanoma",), ("melanoma", "nevus"), ("melanoma", "nevus"), ("melanoma",)]
    images = measured(
        rows, readings, certainties=["certain", "certain", "certain", "unreadable"], prediction_sets=[*sets]
    )
    group = figures.group(images, figures.tasks_of(rows), threshold=0.5)
    assert group.certainty is not None and group.prediction_sets is not None
    assert (group.certainty.certain.value, group.certainty.uncertain.value) == (0.75, 0.0)
    assert group.certainty.unreadable.value == 0.25
    assert group.certainty.accuracy_of_certain.value == pytest.approx(2 / 3)
    assert (group.prediction_sets.coverage.value, group.prediction_sets.mean_size.value) == (0.75, 1.5)
    assert group.prediction_sets.coverage_by_class["nevus"].value == 0.5
    assert group.prediction_sets.sizes == {"1": 2, "2": 2}


def test_melanoma_against_nevus_leaves_the_others_out() -> None:
    rows = [row(0, "melanoma"), row(1, "nevus"), row(2, "nevus"), row(3, "dermatofibroma")]
    found = figures.melanoma_against_nevus(measured(rows, [{"melanoma": p} for p in (0.5, 0.4, 0.6, 0.9)]))
    assert (found.melanomas, found.nevi, found.auc.value) == (1, 2, 0.5)


def test_age_bands_meet_without_overlap() -> None:
    assert [age_band(age) for age in (0.0, 29.0, 30.0, 50.0, 69.5, 85.0, None)] == [
        "0 to 29",
        "0 to 29",
        "30 to 49",
        "50 to 69",
        "50 to 69",
        "70 and over",
        "unknown",
    ]


def test_energy_and_pointing_by_hand() -> None:
    """Two cells stretched over four pixels give 1, 0.75, 0.25 and 0."""
    corner = np.array([[1, 0], [0, 0]], dtype=np.float32)
    lesion = np.zeros((4, 4), dtype=bool)
    lesion[:2, :2] = True
    assert masks.hit(corner, lesion) == masks.Hit(pytest.approx(1.75**2 / 4), pointed=True)
    assert masks.hit(corner, ~lesion) == masks.Hit(pytest.approx(1 - 1.75**2 / 4), pointed=False)
    even = masks.hit(np.ones((2, 2), dtype=np.float32), lesion)
    assert even.energy == pytest.approx(0.25)
    empty = masks.hit(np.zeros((2, 2), dtype=np.float32), lesion)
    assert np.isnan(empty.energy) and not empty.pointed


def test_maps_of_the_leading_and_of_the_true_class_against_masks(tmp_path: Path) -> None:
    lesion = np.zeros((40, 40), dtype=np.uint8)
    lesion[:20, :20] = 255
    (tmp_path / "masks").mkdir()
    for number in range(2):
        Image.fromarray(lesion).save(tmp_path / "masks" / f"ISIC_{number}_segmentation.png")
    rows = [row(0, "melanoma"), row(1, *AKIEC), row(2, "nevus")]
    leading = [{"nevus": 0.9, "melanoma": 0.1}, {"squamous cell carcinoma": 0.6, "actinic keratosis": 0.4}, {}]
    into, beside = np.zeros((2, 2), dtype=np.float32), np.zeros((2, 2), dtype=np.float32)
    into[0, 0] = beside[1, 1] = 1
    maps = np.stack([beside] * 9)
    maps[[CLASSES.index("melanoma"), CLASSES.index("squamous cell carcinoma")]] = into
    found = masks.measure(measured(rows, leading), [maps] * 3, folder=tmp_path)
    assert found is not None
    assert (found.images, found.lesion_share.value, found.centre.value) == (2, 0.25, 0.0)
    assert (found.leading_class.pointing.value, found.true_class.pointing.value) == (0.5, 1.0)
    assert found.true_class.energy.value is not None and found.leading_class.energy.value is not None
    assert found.true_class.energy.value > 0.7 > found.leading_class.energy.value
    assert masks.measure(measured(rows, leading), [maps] * 3, folder=tmp_path / "masks" / "none") is None
