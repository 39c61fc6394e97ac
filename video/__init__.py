"""Videos: frames in order, from SER, films, cubes, pages and numbered pictures."""
