"""JOSE: keys, signatures and encryption (RFC 7515 to 7518 and their kin); no clock, no network."""
