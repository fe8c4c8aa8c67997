"""A term is read as the number of its sample, whatever else is known of that sample."""

from bounds.proofs.readings import plain
from bounds.proofs.terms import Mean, Norm, Sample
from tests.proofs.setting import FIXED, P, S, apart, m, n, residual, z


def test_readings_know_a_sample_by_name_size_and_pairs():
    assert plain(Mean(P, apart)) == plain(Mean(FIXED, apart)) == Mean(Sample("P", m, paired=True), apart)
    assert plain(Mean(S, residual)) == Mean(Sample("S", n), residual)


def test_another_size_or_name_is_another_number():
    assert plain(Mean(P, apart)) != plain(Mean(Sample("P", n, paired=True), apart))
    assert plain(Mean(P, apart)) != plain(Mean(Sample("Q", m, paired=True), apart))
    assert plain(Mean(P, Norm(z))) != plain(Mean(Sample("P", m), Norm(z)))
