"""The catalogue: what is known of which picture, and where its vectors lie."""
