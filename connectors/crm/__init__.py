"""What every CRM connector does alike: whom is whose, what is linked, what changed. No network, no SDK."""
