"""What the ledger means in money."""
