"""Scorers and rankings: which pictures are best, and why."""
