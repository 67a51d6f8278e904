"""How many of something, in words."""


def counted(number: int, noun: str) -> str:
    """A number with its noun, of which there may be one.

    Example:
        >>> counted(1, "case"), counted(2_000, "image")
        ('1 case', '2,000 images')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
