"""Orders from CertCentral's order report, a CSV file; accounts, reps and contacts from files beside it."""
