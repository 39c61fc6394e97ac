"""Reading pictures, and finding the files that hold them."""
