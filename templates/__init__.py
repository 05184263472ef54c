"""Every word a customer or rep reads: templates, layouts, catalogues, and the writer that fills them with facts."""
