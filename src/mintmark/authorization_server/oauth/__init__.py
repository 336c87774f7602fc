"""The protocols: one file per endpoint, one per grant; :mod:`.table` is the whole of it on one page."""
