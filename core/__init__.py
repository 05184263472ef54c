"""The renewal engine: pure rules, the ledger, and the four steps sync, settle, plan, deliver."""
