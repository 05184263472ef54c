"""The command `nolapse`: thin, one module per group of commands."""
