"""The only SQL in the house: the database, its schema and one repository per aggregate.

A unit of work names the connection that it is given as :class:`Connection`, and a row that is already
there as
:class:`Conflict`; nothing else of the SQL toolkit leaves this room.
"""

from __future__ import annotations

from sqlalchemy import Connection

from mintmark.authorization_server.storage.database import Database
from mintmark.authorization_server.storage.failures import Conflict, StorageUnavailable

__all__ = ["Conflict", "Connection", "Database", "StorageUnavailable"]
