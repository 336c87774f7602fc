"""When the database cannot keep its word."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError as Conflict

from mintmark.errors import ErrorCode, MintmarkError

__all__ = ["Conflict", "StorageUnavailable", "unavailable"]


class StorageUnavailable(MintmarkError):
    """The database cannot be read or written now (full disk, locked for too long, closed): answer 503."""

    default_code = ErrorCode.STORAGE_UNAVAILABLE


def unavailable(error: BaseException) -> StorageUnavailable:
    """Name the cause in the driver's own words; never the statement's parameters, which may be personal."""
    cause = getattr(error, "orig", None) or error
    failure = StorageUnavailable(f"The database does not accept this now: {cause}.")
    failure.__cause__ = cause if isinstance(cause, Exception) else None
    return failure
