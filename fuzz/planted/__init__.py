"""Defects of a slab cache, planted to be found."""
