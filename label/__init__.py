"""Exemplar sets: questions, the answers people gave, what to ask next."""
