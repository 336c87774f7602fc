"""The story on one machine: an issuer, a single-page app, two services, and a walk through all of it."""
