"""The token service: people sign in once, clients get tokens, and what ends is refused everywhere."""
