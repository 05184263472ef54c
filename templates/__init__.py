"""Every word a customer or rep reads: a folder per language, and the writer that fills them with facts."""
