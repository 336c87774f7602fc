"""Registrations that live in the database: what is there, what is wanted, and one live catalogue of both."""

from __future__ import annotations

from mintmark.authorization_server.registry.live import Registry

__all__ = ["Registry"]
