"""How pictures become vectors, and targets become answers."""
