"""Which errors are mistakes in a user's settings, though a library raised them."""

from genolightning.errors import UserError


def user_error(error: BaseException) -> UserError | None:
    """The user's mistake behind an error, if it is one: Hydra wraps what a constructor raises."""
    cause = error.__cause__
    if isinstance(error, UserError):
        return error
    if type(error).__name__ == "InstantiationException" and not isinstance(cause, UserError):
        key = str(error).rpartition("full_key: ")[2].split("\n")[0] if "full_key: " in str(error) else "config"
        wrong = (TypeError, ValueError, ImportError)
        # Lightning's MisconfigurationException is named, not imported: importing lightning takes seconds
        if cause is None or isinstance(cause, wrong) or type(cause).__name__ == "MisconfigurationException":
            return UserError(f"{key}: {cause or str(error).partition('full_key')[0]}")
    return user_error(cause) if cause else None
