"""What an operator sets, and how the application is put together from it."""
