"""Nearest vectors: the index, its making and healing, and what a similarity means."""
