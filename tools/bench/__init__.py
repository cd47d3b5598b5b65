"""How fast the program is, beside what others do in its place: ``make bench``."""
