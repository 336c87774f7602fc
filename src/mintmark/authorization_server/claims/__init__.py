"""What goes into tokens: pure functions from grants and people to claims."""

from __future__ import annotations

from .building import REGISTERED, build_access_claims, build_id_claims, build_userinfo

__all__ = ["REGISTERED", "build_access_claims", "build_id_claims", "build_userinfo"]
