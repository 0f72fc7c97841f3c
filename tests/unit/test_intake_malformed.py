"""Damaged and hostile files: each is refused with a sentence, or is a whole image; nothing else ever comes out."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import UnreadableImage
from core.vision.intake import IntakeLimits, take_in
from tests.generated import bad_files, good_files

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

LIMITS = IntakeLimits()
BAD = {name: (data, word) for name, data, word in bad_files()}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_a_sentence(name: str) -> None:
    data, word = BAD[name]
    with pytest.raises(UnreadableImage) as refusal:
        take_in(data, limits=LIMITS)
    sentence = str(refusal.value)
    assert word in sentence
    assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) > 30


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good file after one to three wounds."""
    data = bytearray(draw(st.sampled_from(list(good_files().values()))))
    for _ in range(draw(st.integers(1, 3))):
        wound = draw(st.sampled_from(["cut", "flip", "header", "swap", "blank", "insert", "drop", "repeat"]))
        at = draw(st.integers(0, max(0, len(data) - 1)))
        span = draw(st.integers(1, 400))
        if wound == "cut":
            del data[at:]
        elif wound == "flip":
            for spot in draw(st.lists(st.integers(0, max(0, len(data) - 1)), min_size=1, max_size=20)):
                data[spot : spot + 1] = bytes([draw(st.integers(0, 255))])
        elif wound == "header":
            place = draw(st.integers(0, 120))
            data[place : place + 4] = draw(
                st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])
            )
        elif wound == "swap":
            one, other = data[at : at + span], data[at + span : at + 2 * span]
            data[at : at + 2 * span] = other + one
        elif wound == "blank":
            data[at : at + span] = bytes(len(data[at : at + span]))
        elif wound == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=64))
        elif wound == "drop":
            del data[at : at + span]
        else:
            data[at:at] = data[at : at + span]
    return bytes(data)


def test_mutations_of_good_files_are_refused_or_whole() -> None:
    outcomes: Counter[str] = Counter()
    tried: set[bytes] = set(good_files().values())

    @settings(derandomize=True, max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated())
    def take_one_in(data: bytes) -> None:
        if data in tried:
            return
        tried.add(data)
        try:
            clean = take_in(data, limits=LIMITS)
        except UnreadableImage as refusal:
            assert str(refusal).endswith(".")
            outcomes["refused"] += 1
        else:
            assert clean.pixels.mode == "RGB"
            assert clean.pixels.info == {}
            assert clean.encoded.startswith(b"RIFF")
            outcomes["taken in"] += 1

    take_one_in()
    assert outcomes.total() >= 300
    assert outcomes["refused"] >= 200
