"""The command line, one file per command group: thin, since everything it does the library does."""
