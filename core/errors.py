"""The errors of the engine, named by what the caller must do."""


class NolapseError(Exception):
    """Something went wrong that one clear line can tell. `permanent` says whether trying again can help."""

    permanent = True


class UsageError(NolapseError):
    """The request cannot be met as it was made: the command's words, a date, an order that does not exist."""


class ConfigurationError(NolapseError):
    """A setting, credential or permission must be mended by the operator first."""


class RetriableError(NolapseError):
    """The outside system could not answer now; the same call may succeed later."""

    permanent = False


class PostponedError(RetriableError):
    """One item is put off by the outside system; the others go on, and this one may be tried again later."""


class SkippableError(NolapseError):
    """One item is refused for good; the others go on."""


class FatalError(NolapseError):
    """The outside system is in a state in which nothing further may be sent."""


class StoreError(NolapseError):
    """The database cannot be used: it is missing, locked, read-only, full, or of another schema."""


class BusyError(StoreError):
    """Another process holds what was asked for; nothing was done."""


class StoppedError(NolapseError):
    """The step was asked to stop and has ended between two batches; the next run does the rest."""

    permanent = False
