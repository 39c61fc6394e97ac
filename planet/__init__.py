"""What is special about videos of planets: finding, registering, in-band vectors."""
