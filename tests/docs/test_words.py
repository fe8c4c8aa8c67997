"""The search of the site indexes words, not the numbers of its tables."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "_ext"))

import words


@pytest.mark.parametrize("word", ["vicreg", "k3", "resnet18", "theorem2", "A1"])
def test_words_are_kept(word):
    assert words.Words({}).word_filter(word)


@pytest.mark.parametrize(
    "word", ["0983", "0001coherence2", "b156cd18157f86a65a091b1bd0c5136b", "the", "The", "_draw", "m", "ab"]
)
def test_numbers_and_digests_are_not(word):
    assert not words.Words({}).word_filter(word)
