from pathlib import Path

from bench.hubspot_rate import measure


def test_nearly_all_of_the_permitted_rate_is_used_and_no_call_refused(tmp_path: Path) -> None:
    """`bench/hubspot_rate.py` takes it at full size; here a few calls, of which the first and last weigh more."""
    rate = measure(f"sqlite:///{tmp_path / 'nolapse.db'}", 40, per_ten_seconds=120)
    assert rate.refused == 0
    assert rate.calls == 40
    assert rate.share >= 0.85
