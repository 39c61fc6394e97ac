"""Galaxies and textures drawn here, for the demo, the documents and the tests."""
