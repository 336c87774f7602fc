"""JOSE: keys, signatures and encryption (RFC 7515-7518 and their kin). Bytes in, bytes out: no clock, no network."""
