"""Glance: images, their bytes, and who may have them."""
