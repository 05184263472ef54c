"""Salesforce as the CRM in which reps find orders, calls and mails."""
