"""The error that a user can mend: its text says what was given, what is allowed and what to do."""


class UserError(Exception):
    """Shown as one line by the entry points, without a traceback."""
