"""The Flask app through which the world reaches Nolapse."""
