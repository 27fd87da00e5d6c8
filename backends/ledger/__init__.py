"""The ledger: a row for each request in SQLite, budgets, and prices. Money is Decimal."""
