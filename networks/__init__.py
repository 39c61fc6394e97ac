"""Encoders that are networks: the only place that knows torch, timm and open_clip."""
