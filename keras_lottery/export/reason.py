"""What an exception of somebody else's code says, on one line."""


def reason_of(error: Exception) -> str:
    """Returns the first line of an error's text, or its class name where it has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0][:200].rstrip('.')}."
