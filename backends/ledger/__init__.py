"""Every request a row, every cent a Decimal."""
