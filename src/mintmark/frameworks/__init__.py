"""Adapters, one module per web framework, all thin over one ResourceServer. Import the one you need."""
