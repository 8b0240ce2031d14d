"""Where a network looks: maps of heat, their checks, and pictures of them."""
