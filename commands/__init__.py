"""The commands of `q`: words in, words out; no logic."""
