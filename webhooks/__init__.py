"""The place of the web app, through which the world will reach Nolapse."""
