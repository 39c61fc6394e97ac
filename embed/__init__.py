"""Encoders: what one is, the table of them, and those made of numpy alone."""
