"""What a caller needs: tokens to call other services with, for itself and on behalf of a person."""

from __future__ import annotations

from mintmark.client.proofs import ProofMaker
from mintmark.client.sources import ClientCredentials, OnBehalfOf, TokenSource
from mintmark.client.token_client import TokenClient
from mintmark.client.tokens import Token, TokenRefused

__all__ = [
    "ClientCredentials",
    "OnBehalfOf",
    "ProofMaker",
    "Token",
    "TokenClient",
    "TokenRefused",
    "TokenSource",
]
