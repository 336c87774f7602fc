"""The only SQL in the house: the database, its schema and one repository per aggregate."""

from __future__ import annotations

from .database import Database
from .failures import StorageUnavailable

__all__ = ["Database", "StorageUnavailable"]
