"""Looks from outside which certificate a web server serves."""
