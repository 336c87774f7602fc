"""The demo walked without a person: every step over real HTTP, every promise checked."""
