"""Text from outside, made such that both databases keep it."""


def clean(text: str) -> str:
    """Replace what PostgreSQL cannot store: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
