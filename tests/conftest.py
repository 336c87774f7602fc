"""Settings that every test shares."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Deterministic and unhurried: these machines are shared, so a slow example is no finding.
settings.register_profile(
    "mintmark", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("mintmark")
