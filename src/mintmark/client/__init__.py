"""What a caller needs: tokens to call other services with, for itself and on behalf of a person."""

from __future__ import annotations

from mintmark.client.device_answers import DeviceAuthorization, DeviceFlowEnded, Ending
from mintmark.client.device_flow import DeviceFlow
from mintmark.client.proofs import ProofMaker
from mintmark.client.refresh_store import (
    RefreshTokenFile,
    RefreshTokenInMemory,
    RefreshTokenStore,
    StoreFailed,
)
from mintmark.client.refreshing import RefreshSource, SignInNeeded
from mintmark.client.sources import ClientCredentials, OnBehalfOf, TokenSource
from mintmark.client.token_client import TokenClient
from mintmark.client.tokens import Token, TokenRefused

__all__ = [
    "ClientCredentials",
    "DeviceAuthorization",
    "DeviceFlow",
    "DeviceFlowEnded",
    "Ending",
    "OnBehalfOf",
    "ProofMaker",
    "RefreshSource",
    "RefreshTokenFile",
    "RefreshTokenInMemory",
    "RefreshTokenStore",
    "SignInNeeded",
    "StoreFailed",
    "Token",
    "TokenClient",
    "TokenRefused",
    "TokenSource",
]
