"""FinOps: reports, savings, forecast, anomalies and recommendations, from the ledger."""
