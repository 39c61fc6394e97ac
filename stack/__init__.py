"""Stacks of frames, and handing frames and stacks over: files, SER, Siril."""
